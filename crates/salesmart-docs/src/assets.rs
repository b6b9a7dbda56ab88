//! Styles and scripts, the same in every site.

use crate::Site;

pub(crate) fn add(site: &mut Site) {
    site.add("assets/style.css", include_str!("../assets/style.css"));
    site.add("assets/theme.js", include_str!("../assets/theme.js"));
    site.add("assets/site.js", include_str!("../assets/site.js"));
    site.add("assets/layout.js", include_str!("../assets/layout.js"));
    site.add("assets/lineage.js", include_str!("../assets/lineage.js"));
    site.add("assets/icon.svg", include_str!("../assets/icon.svg"));
}
