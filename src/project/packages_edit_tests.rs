//! Edits of `packages.toml` keep everything that they are not about.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::*;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn entry(name: &str, file: &str, digest: &str) -> NewEntry {
    NewEntry {
        name: name.parse().unwrap(),
        file: file.to_owned(),
        sha256: digest.parse().unwrap(),
        size: None,
        url: None,
        archive: None,
    }
}

/// Edits a file that holds `before`, or none; `expected` is what it holds then.
fn check(before: Option<&str>, edit: impl FnOnce(&mut PackagesEdit), expected: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("packages.toml");
    if let Some(before) = before {
        fs::write(&path, before).unwrap();
    }
    let mut edited = PackagesEdit::open(folder.path()).unwrap();
    edit(&mut edited);
    edited.save().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

fn set(edit: &mut PackagesEdit, entry: &NewEntry, expected: Change) {
    assert_eq!(edit.set(entry), expected);
}

const FULL: &str = "\
# of this project
roots = [ \"a\",\n  \"b\" ] # two\n
# ---- first ----

[[package]]   # why
# inside
name   = \"one\" # the name
file = 'one.run'
sha256 = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" # checked
size = 1_000

# of two
[[package]]
name = \"two\"
file = \"two.run\"
sha256 = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"

[[allow]]
rule = \"chip\"
reason = \"so\"
# the end
";

#[test]
fn a_new_file_is_begun() {
    let expected = format!(
        "# The files that builds need, each with its sha256.\nroots = [\"packages\"]\n\n\
         [[package]]\nname = \"one\"\nfile = \"one.run\"\nsha256 = \"{A}\"\nsize = 5\nurl = \"https://a\"\n"
    );
    let one =
        NewEntry { size: Some(5), url: Some("https://a".to_owned()), ..entry("one", "one.run", A) };
    let edit = |edit: &mut PackagesEdit| {
        edit.add_root("packages", None);
        set(edit, &one, Change::Added);
    };
    check(None, edit, &expected);
}

#[test]
fn what_is_said_already_changes_nothing() {
    let same = |edit: &mut PackagesEdit| {
        set(edit, &entry("one", "one.run", A), Change::Unchanged);
        edit.add_root("b", None);
    };
    check(Some(FULL), same, FULL);
    check(Some(""), |_| (), "");
}

#[test]
fn an_update_keeps_comments_and_order_and_forgets_the_old_size() {
    let expected = FULL.replacen(
        &format!("{A}\" # checked\nsize = 1_000\n"),
        &format!("{B}\" # checked\n"),
        1,
    );
    check(Some(FULL), |edit| set(edit, &entry("one", "one.run", B), Change::Updated), &expected);
    let sized = NewEntry { size: Some(7), ..entry("one", "one.run", B) };
    let expected = expected.replacen("# checked\n", "# checked\nsize = 7\n", 1);
    check(Some(FULL), |edit| set(edit, &sized, Change::Updated), &expected);
}

#[test]
fn an_addition_comes_after_the_last_package() {
    let added = format!(
        "\n[[package]]\nname = \"one\"\nfile = \"other.run\"\nsha256 = \"{B}\"\n\n[[allow]]"
    );
    let expected = FULL.replace("\n[[allow]]", &added);
    check(Some(FULL), |edit| set(edit, &entry("one", "other.run", B), Change::Added), &expected);
}

#[test]
fn a_removal_takes_its_own_comments_and_leaves_headings() {
    let (head, rest) = FULL.split_once("[[package]]   # why").unwrap();
    let (_, rest) = rest.split_once("1_000\n").unwrap();
    let removed = |edit: &mut PackagesEdit| {
        assert_eq!(edit.remove("one"), [("one".to_owned(), "one.run".to_owned())]);
        assert_eq!(edit.remove("three"), []);
    };
    check(Some(FULL), removed, &format!("{}{rest}", head.strip_suffix('\n').unwrap()));
    let (head, rest) = FULL.split_once("\n# of two").unwrap();
    let (_, rest) = rest.split_once("\n\n[[allow]]").unwrap();
    let removed = |edit: &mut PackagesEdit| {
        assert_eq!(edit.remove("two.run"), [("two".to_owned(), "two.run".to_owned())]);
    };
    check(Some(FULL), removed, &format!("{head}\n[[allow]]{rest}"));
    let both = |edit: &mut PackagesEdit| {
        edit.remove("one");
        edit.remove("two");
    };
    let text = format!(
        "roots = []\n\n# all of them\n\n# mine\n[[package]]\nname = \"one\"\nfile = \"x\"\nsha256 = \"{A}\"\n"
    );
    check(Some(&text), both, "roots = []\n\n# all of them\n");
}

#[test]
fn a_zip_gives_way_to_what_was_in_it() {
    let before = format!(
        "[[package]]\nname = \"own-name\"\nfile = \"x.zip\" # for now\nsha256 = \"{A}\"\nurl = \"https://a/x.zip\"\n"
    );
    let inside = NewEntry {
        archive: Some(ArchiveOrigin { file: "x.zip".to_owned(), sha256: A.parse().unwrap() }),
        ..entry("own-name", "x.run", B)
    };
    let expected = format!(
        "[[package]]\nname = \"own-name\"\nfile = \"x.run\" # for now\nsha256 = \"{B}\"\nurl = \"https://a/x.zip\"\narchive = \"x.zip\"\narchive-sha256 = \"{A}\"\n"
    );
    check(Some(&before), |edit| assert!(edit.replace("x.zip", &inside)), &expected);
    check(Some(&before), |edit| assert!(!edit.replace("y.zip", &inside)), &before);
}

#[test]
fn line_ends_and_the_byte_order_mark_stay() {
    let before = format!(
        "\u{feff}# a\r\n[[package]]\r\nname = \"one\"\r\nfile = \"one.run\"\r\nsha256 = \"{A}\"\r\n"
    );
    let expected = before.replace(A, B);
    check(Some(&before), |edit| set(edit, &entry("one", "one.run", B), Change::Updated), &expected);
}

#[test]
fn roots_grow_from_what_was_searched_before() {
    check(
        Some(""),
        |edit| edit.add_root("/data", Some("packages")),
        "roots = [\"packages\", \"/data\"]\n",
    );
    check(
        Some("roots = [\"a\"]"),
        |edit| edit.add_root("/data", Some("packages")),
        "roots = [\"a\", \"/data\"]\n",
    );
}

#[test]
fn the_mode_and_a_link_stay() {
    let folder = tempfile::tempdir().unwrap();
    let real = folder.path().join("real.toml");
    fs::write(&real, "").unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("real.toml", folder.path().join("packages.toml")).unwrap();
    let mut edit = PackagesEdit::open(folder.path()).unwrap();
    set(&mut edit, &entry("one", "one.run", A), Change::Added);
    edit.save().unwrap();
    assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    assert!(fs::read_to_string(&real).unwrap().contains("one.run"));
    assert!(folder.path().join("packages.toml").is_symlink());
}

#[test]
fn other_forms_are_refused() {
    for (text, expected) in [
        ("package = [{ name = \"a\" }]", "the packages of `packages.toml` are written as one list"),
        ("roots = [", "`packages.toml` is not valid TOML"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("packages.toml"), text).unwrap();
        let error = PackagesEdit::open(folder.path()).unwrap_err();
        assert_eq!((error.exit, error.to_string().as_str()), (Exit::Project, expected));
    }
}
