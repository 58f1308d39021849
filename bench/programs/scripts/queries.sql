-- Tables, indices, joins, groups, windows, strings and triggers, in memory.
pragma temp_store = memory;
create table customer(id integer primary key, name text not null, city text not null);
create table sale(id integer primary key, customer integer not null, article integer not null, cents integer not null);
create table total(customer integer primary key, cents integer not null);
create trigger counted after insert on sale begin
    insert into total values (new.customer, new.cents) on conflict(customer) do update set cents = cents + excluded.cents;
end;
begin;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 4000)
    insert into customer select i, 'c' || (i * 7919 % 10007), 'city ' || (i * 31 % 97) from n;
with recursive n(i) as (select 1 union all select i + 1 from n where i < 150000)
    insert into sale select i, 1 + (i * 7919) % 4000, (i * 104729) % 500, (i * 6151) % 10000 from n;
commit;
create index by_city on customer(city);
create index by_article on sale(article, cents);
create temp table per_city as
    select city, count(*) as sales, sum(cents) as cents from sale join customer on customer.id = sale.customer group by city;
create temp table ranked as
    select article, cents, rank() over (partition by article order by cents desc, id) as place from sale;
update customer set name = upper(substr(name, 2)) || '-' || length(name) where id % 3 = 0;
delete from sale where article in (select article from ranked where place = 1 and cents % 7 = 0);
select (select max(cents) from per_city) || ' ' || (select sum(cents) from ranked where place <= 3) || ' ' ||
    (select count(*) from sale) || ' ' || (select count(distinct name) from customer where name like '%-_' or name glob 'c1*') || ' ' ||
    (select sum(cents) from total where customer in (select id from customer where city > 'city 5')) || ' ' ||
    (select count(*) from sale a join sale b on a.article = b.article and a.cents = b.cents and a.id < b.id);
