//! What inspection names and what the channels know: the same types, under the same names and extensions.

use attache_domain::channels::{MediaType, wire_name};
use attache_inspect::FileType;

#[test]
fn whatever_inspection_names_the_channels_know() {
    for &kind in FileType::ALL
        .iter()
        .filter(|kind| **kind != FileType::Unknown)
    {
        let media_type = MediaType::parse(kind.mime()).unwrap();
        let one_spelling = kind.mime().to_ascii_lowercase();
        assert_eq!(media_type.as_str(), one_spelling, "{kind:?}");
        let extensions = media_type.extensions();
        assert!(extensions.contains(&kind.extension()), "{kind:?}");
        // The name on the wire ends as the bytes demand, whatever the sender's said.
        for given in ["invoice.pdf", "invoice.exe", "invoice"] {
            let name = wire_name(Some(given), &media_type);
            let ending = name.rsplit('.').next().unwrap();
            assert!(extensions.contains(&ending), "{kind:?}: {name}");
        }
    }
}
