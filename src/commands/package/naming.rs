//! The name under which stages use a file that nobody has named yet.

use crate::ascend::{Container, Identity, Kind};
use crate::project::PackageName;

/// The kind; for wheels the distribution, and for families of many packages what the name begins with.
///
/// `None` where the file's name holds nothing that can be a package's name.
pub(in crate::commands) fn package_name(file: &str, identity: &Identity) -> Option<PackageName> {
    let families = [Kind::CannComponent, Kind::Hdk, Kind::Mindx, Kind::Mindstudio];
    let text = match identity.kind {
        _ if identity.container == Some(Container::Wheel) => distribution(file),
        Some(kind) if !families.contains(&kind) => kind.as_str().to_owned(),
        _ => beginning(file),
    };
    text.parse().ok()
}

/// A wheel's distribution, normalised as package indexes do (PEP 503).
fn distribution(file: &str) -> String {
    let distribution = file.split('-').next().unwrap_or(file);
    distribution.to_ascii_lowercase().replace(['_', '.'], "-")
}

/// What stands before the version.
fn beginning(file: &str) -> String {
    let head = file.split('_').next().unwrap_or(file).to_ascii_lowercase();
    let words = head.split('-').take_while(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ascend::identify;

    fn check(file: &str, expected: Option<&str>) {
        let name = package_name(file, &identify(file));
        assert_eq!(name.as_ref().map(PackageName::as_str), expected, "{file}");
    }

    #[test]
    fn names_are_those_that_people_would_give() {
        check("Ascend-cann-toolkit_8.5.0_linux-aarch64.run", Some("cann-toolkit"));
        check("Ascend-cann-910b-ops_8.5.0_linux-aarch64.run", Some("cann-ops"));
        check("torch_npu-2.7.1-cp311-cp311-linux_aarch64.whl", Some("torch-npu"));
        check("mindie_llm-3.0.0-cp311-cp311-linux_aarch64.whl", Some("mindie-llm"));
        check("typing_extensions-4.16.0-py3-none-any.whl", Some("typing-extensions"));
        check("cann-hccl_8.5.0_linux-aarch64.run", Some("cann-hccl"));
        check("Ascend-mindxdl-volcano_6.0.0_linux.run", Some("ascend-mindxdl-volcano"));
        check("some-tool-1.2.run", Some("some-tool"));
        check("_.run", None);
    }
}
