//! The page at `/`: a table that works without JavaScript, live with it.
//!
//! Every text that comes from a file name or a client is escaped. Both
//! languages are in the page; the one of the `lang` attribute is shown.

use std::fmt::Write as _;

use super::book::Report;
use super::links::{CERTIFICATE, Links, Origin, wget_line};
use super::markup::escape;
use super::site::{Listed, Public};

const PAGE: &str = include_str!("assets/index.html");

/// The page in the language of an `Accept-Language` header, English or Chinese.
///
/// `origin` is the server for lines to copy.
pub(super) fn render(
    packages: &[Listed<'_>],
    report: &Report,
    accept_language: &str,
    origin: &Origin,
    links: &Links,
) -> String {
    let rows: String = packages.iter().map(|listed| row(listed, origin)).collect();
    let size: u64 = packages.iter().map(|listed| listed.package.size).sum();
    let fill = [
        ("language", language(accept_language).to_owned()),
        ("rows", rows),
        ("count", packages.len().to_string()),
        ("size", human(size)),
        ("sent", human(report.totals.bytes)),
        ("whole", report.totals.files.to_string()),
        ("trust", trust(origin, links)),
        ("pip", escape(&links.pip_line(origin))),
        ("api", escape(&links.to("api/transfers"))),
    ];
    substitute(PAGE, &fill)
}

/// Replaces each `{{name}}` once read from left to right: what is put in is not looked at again.
fn substitute(template: &str, fill: &[(&str, String)]) -> String {
    let mut parts = template.split("{{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or((part, ""));
        let value = fill.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str());
        text.push_str(value.unwrap_or_default());
        text.push_str(rest);
    }
    text
}

/// `zh` if it is wanted more than English.
fn language(accept: &str) -> &'static str {
    let wanted = |item: &str| {
        let (tag, quality) = item.split_once(';').unwrap_or((item, ""));
        let quality = quality.trim().strip_prefix("q=").map_or(1.0, |q| q.parse().unwrap_or(0.0));
        let tag = tag.trim().to_ascii_lowercase();
        let primary = tag.split(|c: char| !c.is_ascii_alphabetic()).next()?;
        let known = ["zh", "en"].into_iter().find(|known| *known == primary)?;
        (quality > 0.0).then_some((quality, known))
    };
    let better = |best: (f32, _), next: (f32, _)| if next.0 > best.0 { next } else { best };
    accept.split(',').filter_map(wanted).reduce(better).map_or("en", |(_, language)| language)
}

fn row(listed: &Listed<'_>, origin: &Origin) -> String {
    let (package, facts) = (&listed.package, &listed.facts);
    let or_dash = |text: &Option<String>| escape(text.as_deref().unwrap_or("–"));
    let (file, path) = (escape(package.file), escape(&listed.path));
    let mut row = format!(
        "<tr data-text=\"{}\"><th scope=\"row\"><a href=\"{path}\">{file}</a>{}<code class=\"digest\">{}</code></th>",
        escape(&format!("{} {}", package.name, package.file).to_lowercase()),
        name_below(package),
        escape(package.sha256)
    );
    for text in [&facts.kind, &facts.version, &facts.arch, &facts.chip, &facts.python] {
        // Writing into a string cannot fail.
        let _ok = write!(row, "<td>{}</td>", or_dash(text));
    }
    let badge = match (facts.official, package.declared) {
        (true, _) => ("official", "official", "官方"),
        (false, true) => ("declared", "declared", "已声明"),
        (false, false) => ("unverified", "not verified", "未校验"),
    };
    let (class, english, chinese) = badge;
    let _ok = write!(
        row,
        "<td class=\"number\" data-sort=\"{}\">{}</td><td><span class=\"badge {class}\"><span lang=\"en\">{english}</span><span lang=\"zh\">{chinese}</span></span></td>",
        package.size,
        human(package.size)
    );
    let address = format!("{}{}", origin.address, listed.path);
    let wget = escape(&wget_line(origin.wget(), package.file, &address));
    let digest = escape(package.sha256);
    let _ok = writeln!(
        row,
        "<td class=\"copies\"><button type=\"button\" data-copy=\"{digest}\" title=\"{digest}\">sha256</button><button type=\"button\" data-copy=\"{wget}\" title=\"{wget}\">wget</button></td></tr>"
    );
    row
}

/// The name by which stages know the file, unless it is the file's own, as of files that nothing
/// declares.
fn name_below(package: &Public<'_>) -> String {
    if package.name == package.file {
        return String::new();
    }
    format!("<small>{}</small>", escape(package.name))
}

/// How to trust a certificate that nobody vouches for; nothing where there is none.
fn trust(origin: &Origin, links: &Links) -> String {
    let Some(fingerprint) = &origin.made_up else { return String::new() };
    let file = escape(&links.to(&CERTIFICATE[1..]));
    let file = format!("<a href=\"{file}\" download=\"certificate.pem\">certificate.pem</a>");
    let fingerprint = format!("<code>{}</code>", escape(fingerprint));
    format!(
        "<p class=\"note\" id=\"trust\"><span lang=\"en\">This server made its certificate itself. Save {file} where the lines below are run, and compare the fingerprint with the one on the server's terminal: {fingerprint} Without the certificate, <code>wget --no-check-certificate</code> fetches, too; a file's SHA-256 still tells whether it is the right one, but others may read the token.</span><span lang=\"zh\">此服务器使用自己生成的证书。请将 {file} 保存到运行下列命令的目录，并与服务器终端上显示的指纹核对：{fingerprint} 没有证书时也可使用 <code>wget --no-check-certificate</code>；文件的 SHA-256 仍可校验其内容，但令牌可能被他人读取。</span></p>\n"
    )
}

/// A size in decimal units, as download pages write it.
fn human(bytes: u64) -> String {
    let units = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let (mut value, mut unit) = (bytes, 0);
    while value >= 1_000_000 && unit + 1 < units.len() {
        value /= 1000;
        unit += 1;
    }
    // Rounded, as the page's script does it.
    let tenths = (value + 50) / 100;
    format!("{}.{} {}", tenths / 10, tenths % 10, units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::book::Book;
    use crate::server::site::Facts;

    #[test]
    fn hostile_names_stay_text() {
        let name = "<script>\"'&{{rows}}";
        let package = Public { name: "a", file: name, sha256: "00", size: 1, declared: true };
        let listed = [Listed { package, facts: Facts::default(), path: format!("/{name}") }];
        let report = Book::default().report();
        let page = render(&listed, &report, "", &Origin::default(), &Links::default());
        assert!(!page.contains("<script>\"'"), "{page}");
        assert!(page.contains("&lt;script&gt;&quot;&#39;&amp;{{rows}}</a>"), "{page}");
    }

    #[test]
    fn a_name_is_shown_once() {
        let check = |name: &str, expected: usize| {
            let package = Public { name, file: "a.run", sha256: "00", size: 1, declared: false };
            let listed = Listed { package, facts: Facts::default(), path: "/x".to_owned() };
            let row = row(&listed, &Origin::default());
            assert_eq!(row.matches(&format!(">{name}<")).count(), expected, "{row}");
            assert_eq!(row.matches(">a.run<").count(), 1, "{row}");
        };
        check("a.run", 1);
        check("toolkit", 1);
    }

    #[test]
    fn the_browsers_language_is_used() {
        let check = |accept: &str, expected: &str| assert_eq!(language(accept), expected);
        check("zh-CN,zh;q=0.9,en;q=0.8", "zh");
        check("en-US,en;q=0.9,zh;q=0.8", "en");
        check("fr, zh", "zh");
        check("zho", "en");
        check("en;q=0.5, zh;q=0.9", "zh");
        check("zh;q=0", "en");
        check("", "en");
    }

    #[test]
    fn sizes_are_for_people() {
        let check = |bytes: u64, expected: &str| assert_eq!(human(bytes), expected);
        check(999, "999 B");
        check(1000, "1.0 kB");
        check(821_169_024, "821.2 MB");
        check(2_190_000_000, "2.2 GB");
        check(2_140_000_000, "2.1 GB");
        check(u64::MAX, "18446744.1 TB");
    }
}
