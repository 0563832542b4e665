//! Where firmware comes from, and what is said when it comes from nowhere.

use super::identity::Layout;
use super::image::{Image, ImageError};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wire::isp::flash::Region;

/// A place where an image may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// In the flash from this byte on; the name of the image there.
    Flash(u32, &'static str),
    /// The file.
    File,
}

/// The firmware file as it was found at the start, and whether it goes before the flash.
#[derive(Clone, Debug)]
pub(crate) struct FirmwareFile {
    path: PathBuf,
    first: bool,
    contents: Result<Arc<[u8]>, String>,
}

impl FirmwareFile {
    /// Reads the file: on a control thread, before the adapter is polled.
    pub fn read(path: &Path, first: bool) -> Self {
        let contents = std::fs::read(path).map(Arc::from).map_err(|error| error.to_string());
        Self { path: path.to_owned(), first, contents }
    }

    /// Whether it must be there and is not.
    ///
    /// # Errors
    /// The sentence for the operator.
    pub fn check(&self) -> Result<(), String> {
        match self.image() {
            Err(reason) if self.first => Err(self.missing(&reason)),
            _ => Ok(()),
        }
    }

    /// Its image.
    pub fn image(&self) -> Result<Image, String> {
        let contents = self.contents.as_ref().map_err(Clone::clone)?;
        Image::new(contents.to_vec()).map_err(|error: ImageError| error.to_string())
    }

    /// Where to look for an image, best first.
    pub fn sources(&self, layout: &Layout, secondary_active: bool) -> VecDeque<Source> {
        let start = |region| layout.find(region).map(|(start, _)| start);
        let golden = start(Region::GOLDEN_FIRMWARE).map(|start| Source::Flash(start, "golden"));
        let secondary = start(Region::FIRMWARE_SECONDARY).filter(|_| secondary_active && !self.first);
        let primary = (!self.first).then(|| Source::Flash(layout.firmware(), "primary"));
        let secondary = secondary.map(|start| Source::Flash(start, "secondary"));
        [secondary, primary, Some(Source::File), golden].into_iter().flatten().collect()
    }

    /// What the operator is told when there is no firmware at all. The first words are those of the original.
    pub fn missing(&self, reason: &str) -> String {
        let (path, name) = (self.path.display(), self.name());
        let flash = if self.first {
            "or set LoadFWfromFile No in [QFC]: then the image in the adapter's flash is used".to_owned()
        } else {
            "the adapter's flash has no image that can be loaded".to_owned()
        };
        format!(
            "filestat error {path}: {reason} (put {name} there, from the package of your distribution with the adapter vendor's firmware \
             or from the vendor's driver package; {flash})"
        )
    }

    fn name(&self) -> String {
        self.path
            .file_name()
            .map_or_else(|| self.path.display().to_string(), |name| name.to_string_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chip::image::tests::tiny;

    #[test]
    fn a_missing_file_is_named_with_the_remedy() {
        let path = Path::new("/nonexistent/ql2700_fw.bin");
        let first = FirmwareFile::read(path, true);
        let said = first.check().unwrap_err();
        assert!(said.starts_with("filestat error /nonexistent/ql2700_fw.bin: No such file"), "{said}");
        assert!(said.contains("LoadFWfromFile No") && said.contains("put ql2700_fw.bin there"), "{said}");
        assert_eq!(FirmwareFile::read(path, false).check(), Ok(()));
    }

    #[test]
    fn the_order_of_sources() {
        let path = std::env::temp_dir().join(format!("qla-firmware-{}.bin", std::process::id()));
        std::fs::write(&path, tiny()).unwrap();
        let (first, last) = (FirmwareFile::read(&path, true), FirmwareFile::read(&path, false));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(first.check(), Ok(()));
        assert_eq!(first.image().unwrap().version_text(), "9.8.0");
        let layout = Layout::default();
        assert_eq!(first.sources(&layout, true), [Source::File]);
        assert_eq!(last.sources(&layout, true), [Source::Flash(0x8_0000, "primary"), Source::File]);
    }
}
