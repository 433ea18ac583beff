//! The pages' exit codes are those of the program.

use std::fs;

use ascend_build::error::Exit;

#[test]
fn the_tables_have_every_exit_code() {
    let known: Vec<u8> = [0].into_iter().chain(Exit::ALL.map(|exit| exit as u8)).collect();
    for page in ["docs/exit-codes.md", "README.md", "README.zh-CN.md"] {
        let path = format!("{}/{page}", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(path).expect("the page is there");
        let first = text.lines().filter_map(|line| line.strip_prefix("| ")?.split_once(" |"));
        let codes: Vec<u8> = first.filter_map(|(code, _)| code.parse().ok()).collect();
        assert_eq!(codes, known, "{page}");
    }
}
