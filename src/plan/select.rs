//! Which file a package name means for a platform and a chip.

use crate::ascend;
use crate::error::{Problem, nearest};
use crate::project::{PackageEntry, PackageUse, Platform};

/// What the user asked to build for.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The platform of the image.
    pub platform: Platform,
    /// The chip, in lower case, such as `910b`.
    pub chip: Option<String>,
}

/// Finds the one file that fits among the `candidates` of the name `used.name`.
///
/// # Errors
/// None or several fit; the problem lists the candidates.
pub(super) fn select<'a>(
    used: &PackageUse,
    candidates: &[&'a PackageEntry],
    selection: &Selection,
) -> Result<&'a PackageEntry, Problem> {
    let fitting: Vec<_> =
        candidates.iter().copied().filter(|package| Traits::of(package).fit(selection)).collect();
    match fitting.as_slice() {
        [package] => Ok(package),
        [] => Err(nothing_fits(used, candidates, selection)),
        several => Err(several_fit(used, several)),
    }
}

/// Whether a file is for this platform and this chip, as far as they are asked for.
pub fn is_for(package: &PackageEntry, platform: Option<&Platform>, chip: Option<&str>) -> bool {
    let traits = Traits::of(package);
    let platform_fits = platform.is_none_or(|platform| traits.fits_platform(platform));
    platform_fits && traits.fits_chip(chip.map(str::to_lowercase).as_deref())
}

/// What a file is for: what its entry says, else what its name tells.
struct Traits {
    arch: Option<String>,
    chip: Option<String>,
}

impl Traits {
    fn of(package: &PackageEntry) -> Self {
        let identity = ascend::identify(&package.file);
        let arch =
            match package.overrides.arch.as_deref() {
                Some("any") => None,
                Some(arch) => Some(arch.parse().map_or(arch.to_owned(), |platform: Platform| {
                    platform.package_arch().to_owned()
                })),
                None => identity.platform_arch().map(str::to_owned),
            };
        let chip = match package.overrides.chip.as_deref() {
            Some("any") => None,
            Some(chip) => Some(chip.to_lowercase()),
            None => identity.chip.map(|chip| chip.to_string()),
        };
        Self { arch, chip }
    }

    fn fit(&self, selection: &Selection) -> bool {
        self.fits_platform(&selection.platform) && self.fits_chip(selection.chip.as_deref())
    }

    fn fits_platform(&self, platform: &Platform) -> bool {
        self.arch.as_ref().is_none_or(|arch| arch == platform.package_arch())
    }

    fn fits_chip(&self, wanted: Option<&str>) -> bool {
        self.chip.as_deref().zip(wanted).is_none_or(|(own, wanted)| own == wanted)
    }
}

fn nothing_fits(used: &PackageUse, candidates: &[&PackageEntry], selection: &Selection) -> Problem {
    let chip = selection.chip.as_ref().map(|chip| format!(" and chip {chip}")).unwrap_or_default();
    let message = format!("no file of package `{}` fits {}{chip}", used.name, selection.platform);
    let problem = list(Problem::error(message).at(used.place.clone(), "needed here"), candidates);
    let hint = wrong_chip(candidates, selection).unwrap_or_else(|| {
        "declare a file for this platform in packages.toml, or choose another with `--platform`"
            .to_owned()
    });
    problem.hint(hint)
}

fn wrong_chip(candidates: &[&PackageEntry], selection: &Selection) -> Option<String> {
    let wanted = selection.chip.as_deref()?;
    let any_chip = Selection { chip: None, ..selection.clone() };
    let mut chips: Vec<String> = candidates
        .iter()
        .map(|package| Traits::of(package))
        .filter(|traits| traits.fit(&any_chip))
        .filter_map(|traits| traits.chip)
        .collect();
    chips.dedup();
    let guess =
        nearest(wanted, chips.iter().map(String::as_str)).or(chips.first().map(String::as_str))?;
    Some(format!("choose a chip that a file is declared for, such as `--chip {guess}`"))
}

fn several_fit(used: &PackageUse, fitting: &[&PackageEntry]) -> Problem {
    let message = format!("package `{}` could be any of {} files", used.name, fitting.len());
    let problem = list(Problem::error(message).at(used.place.clone(), "needed here"), fitting);
    let chips: Vec<_> = fitting.iter().filter_map(|package| Traits::of(package).chip).collect();
    problem.hint(match chips.first() {
        Some(chip) if chips.len() == fitting.len() => {
            format!("choose one with `--chip`, such as `--chip {chip}`")
        }
        _ => {
            "give the files names of their own in packages.toml, or remove those that are not meant"
                .to_owned()
        }
    })
}

fn list(problem: Problem, candidates: &[&PackageEntry]) -> Problem {
    candidates.iter().fold(problem, |problem, package| {
        let traits = Traits::of(package);
        let arch = traits.arch.map(|arch| format!(", {arch}")).unwrap_or_default();
        let chip = traits.chip.map(|chip| format!(", chip {chip}")).unwrap_or_default();
        problem.note(format!("`{}` ({}{arch}{chip})", package.path(), package.place))
    })
}
