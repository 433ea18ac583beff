//! What names stand for under roots, with links, folders and pipes among the files.

use std::os::unix::fs::symlink;

use super::*;

/// Two roots, `a` before `b`, beside a folder `outside` that is no root.
fn check(name: &str, expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let base = fs::canonicalize(folder.path()).unwrap();
    lay_out(&base);
    let index = RootIndex::walk(&[base.join("a"), base.join("b"), base.join("none")]);
    let actual = format!("{:?}", index.find(name));
    assert_eq!(actual.replace(&format!("{}/", base.display()), ""), expected, "{name}");
}

fn lay_out(base: &Path) {
    for file in ["a/deep/one", "a/two/one", "b/one", "b/only-b", "a/folder/x", "b/folder"] {
        write(&base.join(file));
    }
    for file in ["outside/secret", "outside/sub/far"] {
        write(&base.join(file));
    }
    fs::create_dir_all(base.join("a/empty")).unwrap();
    symlink("deep/one", base.join("a/alias")).unwrap();
    symlink("deep", base.join("a/alias-folder")).unwrap();
    symlink("../outside/secret", base.join("a/out")).unwrap();
    symlink(base.join("outside"), base.join("b/out-folder")).unwrap();
    symlink("nowhere", base.join("a/broken")).unwrap();
    symlink("loop", base.join("a/loop")).unwrap();
    symlink(".", base.join("a/self")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, base.join("a/pipe"), 0o600.into()).unwrap();
}

fn write(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, path.as_os_str().as_encoded_bytes()).unwrap();
}

#[test]
fn the_first_match_in_root_order_counts() {
    check("one", r#"File { path: "a/deep/one", others: ["a/two/one", "b/one"] }"#);
    check("only-b", r#"File { path: "b/only-b", others: [] }"#);
    check("folder", r#"File { path: "b/folder", others: [] }"#);
    check("absent", "Missing");
    check("../outside/secret", "Missing");
    check("one/absent", "Missing");
}

#[test]
fn a_name_with_a_folder_is_a_path_below_a_root() {
    check("deep/one", "File { path: \"a/deep/one\", others: [] }");
    check("alias-folder/one", "File { path: \"a/deep/one\", others: [] }");
    check("deep/only-b", r#"File { path: "b/only-b", others: [] }"#);
    check("packages/deep/one", r#"File { path: "a/deep/one", others: [] }"#);
    check("three/one", r#"File { path: "b/one", others: [] }"#);
    check("deep/x", "Missing");
    check("../outside/secret", "Missing");
}

#[test]
fn links_count_only_inside_their_root() {
    check("alias", r#"File { path: "a/alias", others: [] }"#);
    check("out", r#"LeadsOut { link: "a/out", target: "outside/secret" }"#);
    check("secret", r#"LeadsOut { link: "b/out-folder/secret", target: "outside/secret" }"#);
    check("far", "Missing");
    check("broken", r#"BrokenLink("a/broken")"#);
    check("loop", r#"BrokenLink("a/loop")"#);
}

#[test]
fn what_is_no_file_is_named() {
    check("empty", r#"Folder("a/empty")"#);
    check("alias-folder", r#"Folder("a/alias-folder")"#);
    check("pipe", r#"Special("a/pipe")"#);
}
