//! Builds the binary again when a file is added to what it carries inside; a changed one it
//! would notice by itself.

fn main() {
    for folder in ["../../sql", "templates"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
