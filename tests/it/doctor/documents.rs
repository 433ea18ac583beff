//! docs/doctor.md has every code, and no other.

use ascend_build::doctor::Code;

#[test]
fn the_page_has_every_code() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/doctor.md");
    let page = std::fs::read_to_string(path).expect("the page is there");
    let (_, page) = page.split_once("\n## What is found\n").expect("the heading is there");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: Vec<_> = rows.filter_map(|row| row.split_once("` |")).collect();
    let codes: Vec<_> = documented.iter().map(|(code, _)| *code).collect();
    let known: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(codes, known);
    for (code, rest) in documented {
        assert_eq!(rest.matches(" |").count(), 3, "level, cause and mend of `{code}`");
    }
}
