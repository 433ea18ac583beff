//! Where wget and curl write what they fetch.

use super::commands::Ran;
use super::evaluate::Text;
use super::options::Options;
use super::plain_options::odd_option;
use super::shell_words::Word;

/// Where a downloader writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Output {
    /// Where it runs, under the file's own name.
    Here,
    /// To this path.
    Path {
        path: String,
        /// Whether it makes the folder.
        makes_folder: bool,
    },
    /// Into this folder, under the file's own name.
    Folder {
        path: String,
        /// Whether it makes the folder.
        makes_folder: bool,
    },
    Stdout,
}

/// Where `ran`, wget or curl, writes each file that it fetches; `None` where the text does not tell,
/// or where it is not the same for all of them.
pub(super) fn output(ran: &Ran) -> Option<Output> {
    let options = Options::read(ran.name(), ran.words.iter().skip(1).map(Text::text));
    let output = match ran.name() {
        _ if odd_option(ran.name(), &options).is_some() || has_odd_home(ran, &options) => {
            return None;
        }
        "wget" => of_wget(&options)?,
        "curl" => of_curl(&options)?,
        _ => return None,
    };
    // Anything else would need quotes, or means something to the shell.
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-+,@%=:/~".contains(c);
    let known = |path: &String| {
        let home = path.rfind('~').is_none_or(|place| place == 0);
        !path.is_empty() && path.chars().all(plain) && home
    };
    match &output {
        Output::Path { path, .. } | Output::Folder { path, .. } => known(path).then_some(output),
        Output::Here | Output::Stdout => Some(output),
    }
}

/// Whether a word, addresses aside, has a `~` that a shell leaves as it is, or where it stands
/// elsewhere: it means a folder where a word without quotes begins with it, and there alone.
fn has_odd_home(ran: &Ran, options: &Options<'_>) -> bool {
    let is_home = |word: &Text| {
        let whole = |own: &&Word| own.span == word.span;
        let written = ran.command.words.iter().find(whole).and_then(Word::plain);
        written.is_some_and(|text| text.starts_with('~') && text.matches('~').count() == 1)
    };
    let mut words = ran.words.iter().skip(1);
    words.any(|word| {
        let text = word.text();
        text.contains('~') && !options.operands.contains(&text) && !is_home(word)
    })
}

fn of_wget(options: &Options<'_>) -> Option<Output> {
    let folder = options.values(&["-P", "--directory-prefix"]);
    match options.values(&["-O", "--output-document"]).as_slice() {
        [.., "-"] => Some(Output::Stdout),
        // Of several addresses it makes one file.
        [.., file] if options.operands.len() == 1 => {
            Some(Output::Path { path: (*file).to_owned(), makes_folder: false })
        }
        [.., _] => None,
        [] => Some(folder.last().map_or(Output::Here, |folder| Output::Folder {
            path: (*folder).to_owned(),
            makes_folder: true,
        })),
    }
}

fn of_curl(options: &Options<'_>) -> Option<Output> {
    let files = options.values(&["-o", "--output"]);
    let own_names = options.count(&["-O", "--remote-name"]);
    let folder = options.values(&["--output-dir"]).last().copied();
    let makes_folder = options.count(&["--create-dirs"]) > 0;
    let addresses = options.operands.len();
    let all_own = own_names == addresses || options.count(&["--remote-name-all"]) > 0;
    match (files.as_slice(), own_names) {
        ([], 0) if !all_own => Some(Output::Stdout),
        (["-"], 0) if addresses == 1 => Some(Output::Stdout),
        ([], _) if all_own => Some(folder.map_or(Output::Here, |folder| Output::Folder {
            path: folder.to_owned(),
            makes_folder,
        })),
        ([file], 0) if addresses == 1 => {
            let folder = folder.map(|folder| format!("{}/", folder.trim_end_matches('/')));
            let path = format!("{}{file}", folder.unwrap_or_default());
            Some(Output::Path { path, makes_folder })
        }
        // Each file is paired with the address of its place.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, expected: impl Into<Option<Output>>) {
        let words = command.split(' ').map(|word| Text::literal(word, 0)).collect();
        let ran = Ran { words, ..Ran::default() };
        assert_eq!(output(&ran), expected.into(), "{command}");
    }

    fn folder(path: &str, makes_folder: bool) -> Option<Output> {
        Some(Output::Folder { path: path.to_owned(), makes_folder })
    }

    fn path(path: &str, makes_folder: bool) -> Option<Output> {
        Some(Output::Path { path: path.to_owned(), makes_folder })
    }

    #[test]
    fn wget_writes_where_its_options_say() {
        check("wget -q u", Some(Output::Here));
        check("wget -nv u v", Some(Output::Here));
        check("wget -qP /tmp u", folder("/tmp", true));
        check("wget -q -P/tmp u v", folder("/tmp", true));
        check("wget --directory-prefix=/tmp u", folder("/tmp", true));
        check("wget -qO /a/b u", path("/a/b", false));
        check("wget -qOname u", path("name", false));
        check("wget -O a -P /tmp u", path("a", false));
        check("wget -qO- u v", Some(Output::Stdout));
        check("wget -q -O - u", Some(Output::Stdout));
        check("wget -O a u v", None);
        check("wget --spider u", None);
        check("wget -o log u", None);
        check("wget -b u", None);
        check("wget -e robots=off --tries=3 --no-check-certificate u", Some(Output::Here));
        check("wget -e https_proxy=h --header=X-Token:1 u", Some(Output::Here));
        for odd in [
            "-e output_document=x",
            "-e output_document=proxy",
            "--execute=dir_prefix=/robots",
            "--header=Range:bytes=0-1",
            "-nc",
            "-N",
            "-c",
            "-qc",
            "--continue",
            "--no-clobber",
            "--timestamping",
            "-P~/x",
            "--directory-prefix=~/x",
            "-O /opt/~",
        ] {
            check(&format!("wget {odd} u"), None);
        }
        check("wget -nd -r u", None);
        check("wget --start-pos=5 u", None);
        check("wget -O a;b u", None);
    }

    #[test]
    fn curl_writes_where_its_options_say() {
        check("curl -fsSL u", Some(Output::Stdout));
        check("curl -fsSLO u", Some(Output::Here));
        check("curl -O u -O v", Some(Output::Here));
        check("curl --remote-name-all u v", Some(Output::Here));
        check("curl -fsSLo /a/b u", path("/a/b", false));
        check("curl --create-dirs -o /a/b u", path("/a/b", true));
        check("curl --output-dir /tmp -O u", folder("/tmp", false));
        check("curl --output-dir=/tmp/ -o b u", path("/tmp/b", false));
        check("curl -o - u", Some(Output::Stdout));
        check("curl -O -o b u", None);
        check("curl -o a u -o b v", None);
        check("curl -O u v", None);
        check("curl -OJ u", None);
        check("curl -I u", None);
        check("curl --retry 3 --proto =https --tlsv1.2 -sSfLO u", Some(Output::Here));
        check("curl -i u", None);
        check("curl -H User-Agent:x -O u", Some(Output::Here));
        for odd in [
            "-H Range:bytes=0-1 -O",
            "-HrAnGe:bytes=0-1 -O",
            "--header @file -O",
            "-H If-None-Match:x -O",
            "-C - -O",
            "--continue-at - -O",
            "-o~/x",
            "--output-dir ~ -o ~/x",
        ] {
            check(&format!("curl {odd} u"), None);
        }
        check("curl -r 0-99 -o a u", None);
        check("curl -D headers -O u", None);
        check("curl -w %{http_code} -O u", None);
        check("curl -X POST -O u", None);
    }
}
