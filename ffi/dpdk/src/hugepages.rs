//! How many hugepages the machine has left.

use std::fs;
use std::path::Path;

const SYSFS: &str = "/sys/kernel/mm/hugepages";

/// Free hugepages of all sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Free {
    /// How many.
    pub(crate) pages: u64,
    /// Their sum in MB.
    pub(crate) mb: u64,
}

/// Counts those that are free and not promised to anyone. A machine without any has none.
pub(crate) fn free() -> Free {
    free_under(Path::new(SYSFS))
}

fn free_under(root: &Path) -> Free {
    let mut sum = Free::default();
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(page_kb) = name
            .to_str()
            .and_then(|name| name.strip_prefix("hugepages-")?.strip_suffix("kB"))
            .and_then(|number| number.parse::<u64>().ok())
        else {
            continue;
        };
        let count = |file: &str| -> u64 {
            let text = fs::read_to_string(entry.path().join(file)).unwrap_or_default();
            text.trim().parse().unwrap_or(0)
        };
        let pages = count("free_hugepages").saturating_sub(count("resv_hugepages"));
        sum.pages += pages;
        sum.mb += pages.saturating_mul(page_kb) / 1024;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_add_up_and_promised_pages_do_not_count() {
        let root = std::env::temp_dir().join(format!("dpdk-hugepages-{}", std::process::id()));
        for (size, free, reserved) in [("2048", "10\n", "3\n"), ("1048576", "1\n", "0\n")] {
            let dir = root.join(format!("hugepages-{size}kB"));
            fs::create_dir_all(&dir).unwrap();
            fs::write(dir.join("free_hugepages"), free).unwrap();
            fs::write(dir.join("resv_hugepages"), reserved).unwrap();
        }
        fs::create_dir_all(root.join("something-else")).unwrap();
        assert_eq!(free_under(&root), Free { pages: 8, mb: 7 * 2 + 1024 });
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(free_under(&root), Free::default());
    }
}
