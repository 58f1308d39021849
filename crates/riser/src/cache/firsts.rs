//! Which functions a run called and left without code that is kept, in the order of their first calls: those that the next run of the program will wait
//! for, unless somebody makes their code before. A list that is wrong costs time and nothing else.

use super::{Cache, CacheKey};
use std::io::Read;

/// So many functions are listed at most.
const FUNCTIONS_MAX: usize = 16 << 10;

const SUM_BYTES: usize = 32;

impl Cache {
    /// The list of a key; empty if there is none.
    pub(crate) fn firsts(&self, key: &CacheKey) -> Vec<u32> {
        let read = || {
            let mut found = Vec::new();
            let most = FUNCTIONS_MAX * 4 + SUM_BYTES;
            self.open(&key.firsts_name())?.take(most as u64).read_to_end(&mut found).ok()?;
            let (listed, sum) = found.split_last_chunk::<SUM_BYTES>()?;
            let functions = listed.as_chunks::<4>().0.iter().copied().map(u32::from_le_bytes);
            (blake3::hash(listed) == *sum).then(|| functions.collect())
        };
        read().unwrap_or_default()
    }

    /// Keeps a list in place of the one before.
    pub(crate) fn put_firsts(&self, key: &CacheKey, functions: &[u32]) {
        let mut bytes = Vec::new();
        for function in functions.iter().take(FUNCTIONS_MAX) {
            bytes.extend(function.to_le_bytes());
        }
        bytes.extend(blake3::hash(&bytes).as_bytes());
        let name = key.firsts_name();
        let is_new = !self.directory().join(&name).exists();
        // Without it, their code is made when they are called.
        let written = self.put(&name, |to| to.write_all(&bytes));
        if is_new && written.is_ok() {
            let _ = self.shrink();
        }
    }
}

#[cfg(all(test, riser_compiled))]
mod tests {
    use super::*;
    use crate::CacheConfig;
    use std::fs;

    #[test]
    fn a_list_is_whole_or_empty() {
        let path = std::env::temp_dir().join(format!("riser-firsts-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let cache = Cache::new(CacheConfig::new().with_directory(&path).clone()).unwrap();
        let key = CacheKey::new(b"engine", &[1; 32]);
        assert_eq!(cache.firsts(&key), []);
        cache.put_firsts(&key, &[7, 1 << 30, 3]);
        assert_eq!(cache.firsts(&key), [7, 1 << 30, 3]);
        let file = path.join(key.firsts_name());
        let whole = fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&file, &damaged).unwrap();
            assert_eq!(cache.firsts(&key), []);
            fs::write(&file, &whole[..at]).unwrap();
            assert_eq!(cache.firsts(&key), []);
        }
        let many: Vec<u32> = (0..20_000).collect();
        cache.put_firsts(&key, &many);
        assert_eq!(cache.firsts(&key), many[..FUNCTIONS_MAX]);
        cache.put_firsts(&key, &[]);
        assert_eq!(cache.firsts(&key), []);
        assert!(cache.clear().unwrap().bytes > 0);
        assert!(!file.exists());
        fs::remove_dir_all(&path).unwrap();
    }
}
