use super::*;
use flate2::read::GzDecoder;
use std::io::Read;

fn stack(frames: &[usize], bytes: u64, samples: u64) -> LiveStack {
    LiveStack { frames: frames.to_vec(), bytes, samples }
}

fn read(path: &Path) -> Profile {
    let mut bytes = Vec::new();
    GzDecoder::new(fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    Profile::decode(&bytes[..]).unwrap()
}

#[test]
fn the_difference_is_what_grew_less_what_went() {
    let folder = std::env::temp_dir().join(format!("pprof-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let here = the_difference_is_what_grew_less_what_went as fn() as usize + 1;
    let profile = HeapProfile {
        folder: folder.clone(),
        before: vec![stack(&[1, 2], 100, 1), stack(&[3], 70, 7)],
        after: vec![stack(&[1, 2], 160, 2), stack(&[here], 5, 1)],
    };
    assert_eq!(profile.grown_bytes(), 60 + 5 - 70);
    profile.write().unwrap();
    let difference = read(&folder.join("difference.pb.gz"));
    let values: Vec<_> = difference.sample.iter().map(|sample| sample.value.clone()).collect();
    assert_eq!(values, [vec![1, 60], vec![1, 5], vec![-7, -70]]);
    assert_eq!(difference.string_table[0], "");
    // Ids are places in the tables, from 1, and every text is there.
    let known = difference.location.len() as u64;
    assert!(
        difference.sample.iter().flat_map(|s| &s.location_id).all(|id| (1..=known).contains(id))
    );
    let after = read(&folder.join("after.pb.gz"));
    let names: Vec<&str> = after
        .function
        .iter()
        .map(|function| &*after.string_table[function.name as usize])
        .collect();
    assert!(names.iter().any(|name| name.contains("what_grew_less")), "{names:?}");
    fs::remove_dir_all(&folder).unwrap();
}
