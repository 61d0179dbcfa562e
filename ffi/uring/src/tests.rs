use super::*;
use hugemem::HugePolicy;
use std::os::unix::fs::FileExt;

fn file(name: &str) -> (std::path::PathBuf, File) {
    let path = std::env::temp_dir().join(format!("uring-{name}-{}", std::process::id()));
    let options = File::options().create(true).truncate(true).read(true).write(true).clone();
    (path.clone(), options.open(&path).unwrap())
}

/// A ring, or `None` where the kernel gives none: the test then has nothing to look at.
fn ring(name: &str, sqpoll: Option<u32>) -> Option<(std::path::PathBuf, WriteRing)> {
    let (path, file) = file(name);
    let buffers = Buffers::new(3, 8192, HugePolicy::Auto).unwrap();
    match WriteRing::new(buffers, file, sqpoll) {
        Ok(ring) => Some((path, ring)),
        Err(refused) => {
            eprintln!("skipped: {refused}");
            assert_eq!(refused.buffers.count(), 3);
            None
        }
    }
}

fn drain(ring: &mut WriteRing) -> Vec<Completion> {
    let mut all = Vec::new();
    while ring.under_way() > 0 {
        ring.wait().unwrap();
        all.extend(std::iter::from_fn(|| ring.next_completion()));
    }
    all
}

#[test]
fn buffers_are_whole_aligned_and_apart() {
    let mut buffers = Buffers::new(3, 8192, HugePolicy::Off).unwrap();
    assert_eq!((buffers.count(), buffers.buffer_bytes()), (3, 8192));
    for buffer in 0..3 {
        let bytes = buffers.get_mut(buffer).unwrap();
        assert_eq!(bytes.len(), 8192);
        assert!(bytes.as_ptr().addr().is_multiple_of(BLOCK_BYTES));
        assert!(bytes.iter().all(|&byte| byte == 0));
        bytes.fill(buffer as u8 + 1);
    }
    for buffer in 0..3 {
        assert!(buffers.get_mut(buffer).unwrap().iter().all(|&b| b == buffer as u8 + 1));
    }
    assert!(buffers.get_mut(3).is_none() && buffers.get_mut(usize::MAX).is_none());
}

#[test]
fn several_writes_go_where_they_were_sent() {
    for sqpoll in [None, Some(10)] {
        let Some((path, mut ring)) = ring("several", sqpoll) else { continue };
        for buffer in 0..3 {
            ring.buffer(buffer).unwrap().fill(b'a' + buffer as u8);
            ring.write(buffer, 8192, 8192 * (2 - buffer as u64)).unwrap();
            assert!(ring.buffer(buffer).is_none(), "lent out while it is being written");
        }
        for completion in drain(&mut ring) {
            let Completion::Write { buffer, written } = completion else { panic!("no sync yet") };
            assert_eq!(written.unwrap(), 8192);
            assert!(ring.buffer(buffer).is_some());
        }
        ring.sync().unwrap();
        assert!(matches!(drain(&mut ring)[..], [Completion::Sync(Ok(()))]));
        let bytes = std::fs::read(&path).unwrap();
        let expected: Vec<u8> =
            [b'c', b'b', b'a'].into_iter().flat_map(|letter| [letter; 8192]).collect();
        assert!(bytes == expected);
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn the_kernels_errors_come_with_the_completion() {
    let Some((path, mut ring)) = ring("errors", None) else { return };
    let read_only = File::open(&path).unwrap();
    ring.set_file(read_only);
    ring.write(1, 4096, 0).unwrap();
    match &drain(&mut ring)[..] {
        [Completion::Write { buffer: 1, written: Err(error) }] => {
            assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        }
        other => panic!("{other:?}"),
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn dropping_waits_for_what_is_under_way() {
    let Some((path, mut ring)) = ring("drop", None) else { return };
    ring.buffer(0).unwrap().fill(7);
    ring.write(0, 8192, 0).unwrap();
    ring.sync().unwrap();
    drop(ring);
    let mut byte = [0];
    File::open(&path).unwrap().read_exact_at(&mut byte, 8191).unwrap();
    assert_eq!(byte, [7]);
    std::fs::remove_file(path).unwrap();
}

#[test]
#[should_panic(expected = "under way")]
fn the_file_is_not_changed_under_a_write() {
    let Some((path, mut ring)) = ring("change", None) else { panic!("nothing is under way here") };
    ring.write(0, 4096, 0).unwrap();
    let other = File::open(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    ring.set_file(other);
}
