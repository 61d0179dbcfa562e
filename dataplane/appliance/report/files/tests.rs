use super::*;
use crate::report::fixture;

/// A folder of a test's own that goes away with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("peregrine-report-{}-{name}", process::id())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn writes_both_files_and_nothing_else() {
    let folder = Folder::new("both");
    let deep = folder.0.join("a/b");
    let report = fixture::report();
    let written = write(&deep, &report).unwrap();
    let json = fs::read_to_string(&written.json).unwrap();
    assert_eq!(serde_json::from_str::<RunReport>(&json).unwrap(), report);
    assert!(
        json.starts_with("{\n  \"title\"") && json.ends_with("}\n"),
        "pretty, and a whole line"
    );
    assert_eq!(fs::read_to_string(&written.html).unwrap(), html::page(&report));
    assert_eq!(fs::read_dir(&deep).unwrap().count(), 2, "no partial file stays");
}

#[test]
fn replaces_an_older_report() {
    let folder = Folder::new("again");
    write(&folder.0, &fixture::report()).unwrap();
    let mut report = fixture::report();
    report.title = "the second".to_owned();
    let written = write(&folder.0, &report).unwrap();
    assert!(fs::read_to_string(written.html).unwrap().contains("<h1>the second</h1>"));
}

#[test]
fn errors_name_the_path() {
    let folder = Folder::new("errors");
    fs::create_dir_all(&folder.0).unwrap();
    let file = folder.0.join("file");
    fs::write(&file, "in the way").unwrap();
    let error = write(&file.join("sub"), &fixture::report()).unwrap_err();
    assert!(matches!(error, WriteError::Folder { .. }) && error.to_string().contains("file/sub"));
    fs::create_dir_all(folder.0.join("index.html/x")).unwrap();
    let error = write(&folder.0, &fixture::report()).unwrap_err();
    assert!(error.to_string().ends_with("index.html"), "{error}");
    let partial = |e: fs::DirEntry| e.path().extension().is_some_and(|e| e == "partial");
    assert!(!fs::read_dir(&folder.0).unwrap().flatten().any(partial), "nothing is left behind");
}
