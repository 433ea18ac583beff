//! From a file name to what it says.
//!
//! In this order: percent-decoding, endings that make it another file
//! (signatures, unfinished downloads), the ` (1)` or ` - Copy` of a second one, wheels,
//! then Ascend's own families. Any text is answered; nothing panics.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::families::{FAMILIES, claiming, wheel_kind};
use super::identity::normal_arch;
use super::parts::{Parts, split_container, strip_ending};
use super::wheel::Wheel;
use super::{Identity, Kind, NearMiss};

/// Endings of what lies beside a package and is not one.
const SIGNATURES: [&str; 8] =
    [".p7s", ".cms", ".crl", ".asc", ".sig", ".sha256", ".sha256sum", ".md5"];

/// Endings that downloaders give to a file that is not complete.
const UNFINISHED: [&str; 5] = [".part", ".partial", ".crdownload", ".aria2", ".tmp"];

/// What file managers write behind the name of a copy.
const COPIES: [&str; 6] = [" - Copy", " - copy", " copy", " - 副本", " 副本", "的副本"];

/// Longer heads are not compared with the families' spellings.
const LONGEST_SPELLING: usize = 32;

/// What the name of a file (without its folder) says about its content.
///
/// Never fails: a name of no known family has no `kind`, and a wheel of no
/// known distribution still has its version and tags.
///
/// ```
/// # use ascend_build::ascend::{Kind, identify};
/// let identity = identify("Ascend-cann-910b-ops_8.5.0_linux-aarch64.run");
/// assert_eq!(identity.kind, Some(Kind::CannOps));
/// assert_eq!(identity.platform_arch(), Some("aarch64"));
/// ```
pub fn identify(file_name: &str) -> Identity {
    let decoded = percent_decode_str(file_name).decode_utf8_lossy();
    let mut identity = match not_the_package(&decoded) {
        Some(note) => Identity { notes: vec![note], ..Identity::default() },
        None => identify_package(&decoded),
    };
    if decoded != file_name {
        let decoded = decoded.into_owned();
        identity.notes.push(NearMiss::PercentEncoded { decoded });
    }
    identity
}

/// Why the file is not the package that the rest of its name promises.
fn not_the_package(name: &str) -> Option<NearMiss> {
    let find = |endings: &[&'static str]| {
        endings.iter().copied().find(|ending| strip_ending(name, ending).is_some())
    };
    let signature = find(&SIGNATURES).map(|ending| NearMiss::Signature { ending });
    signature.or_else(|| find(&UNFINISHED).map(|ending| NearMiss::Unfinished { ending }))
}

fn identify_package(name: &str) -> Identity {
    let name = without_copy_mark(name);
    let mut identity = match Wheel::cut(&name) {
        Some(wheel) => Identity { kind: wheel_kind(&wheel), ..wheel.read() },
        None => identify_ascend(&name),
    };
    note_arch(&mut identity);
    if let Cow::Owned(_) = name {
        identity.notes.push(NearMiss::Copy);
    }
    if identity.host_only() {
        identity.notes.push(NearMiss::HostOnly);
    }
    identity
}

/// `name.run` of `name (1).run`, `name(1).run`, `name - Copy (2).run`.
fn without_copy_mark(name: &str) -> Cow<'_, str> {
    let (stem, _) = split_container(name);
    let numbered = without_number(stem);
    let bare = COPIES.iter().find_map(|mark| numbered.strip_suffix(mark)).unwrap_or(numbered);
    if bare.len() == stem.len() {
        return Cow::Borrowed(name);
    }
    Cow::Owned(format!("{}{}", bare.trim_end(), &name[stem.len()..]))
}

/// `name` of `name (1)`.
fn without_number(stem: &str) -> &str {
    let cut = stem.strip_suffix(')').and_then(|stem| stem.rsplit_once('('));
    match cut {
        Some((before, digits))
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            before.trim_end()
        }
        _ => stem,
    }
}

fn identify_ascend(name: &str) -> Identity {
    let parts = Parts::cut(name);
    let Some(family) = claiming(&parts).next() else {
        return Identity { notes: slip(&parts).into_iter().collect(), ..Identity::default() };
    };
    let mut identity = parts.read_fields();
    identity.kind = Some(family.kind);
    identity.chip = parts.chip();
    if family.kind == Kind::TorchNpuBundle {
        identity.torch = identity.version.clone();
    }
    if !parts.head.starts_with(family.spelling) && same_but_case(parts.head, family.spelling) {
        identity.notes.push(NearMiss::LetterCase { usual: family.spelling });
    }
    if family.kind == Kind::CannComponent {
        identity.notes.extend(slip(&parts));
    }
    identity
}

fn same_but_case(head: &str, spelling: &str) -> bool {
    head.get(..spelling.len()).is_some_and(|start| start.eq_ignore_ascii_case(spelling))
}

/// The family that a name was probably meant for: at most two slips of a key away.
fn slip(parts: &Parts<'_>) -> Option<NearMiss> {
    if parts.fields.is_empty() || parts.head.len() > LONGEST_SPELLING {
        return None;
    }
    let head = parts.head.to_ascii_lowercase();
    let distance = |spelling: &str| strsim::osa_distance(&head, &spelling.to_ascii_lowercase());
    let spellings = FAMILIES.iter().map(|family| family.spelling).filter(|name| name.len() > 7);
    let usual = spellings.min_by_key(|spelling| distance(spelling))?;
    let written = parts.head.to_owned();
    (1..=2).contains(&distance(usual)).then_some(NearMiss::DidYouMean { written, usual })
}

/// Driver packages write `x86-64`, everything else `x86_64`: only other spellings are notes.
fn note_arch(identity: &mut Identity) {
    let Some(written) = identity.arch.clone() else { return };
    let Some(usual) = normal_arch(&written) else { return };
    let vendor = written == usual || (identity.kind == Some(Kind::Hdk) && written == "x86-64");
    if !vendor {
        identity.notes.push(NearMiss::ArchSpelling { written, usual });
    }
}
