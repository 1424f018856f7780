//! Tells Cargo that the binary embeds the pages: a file that comes or goes under `web/` makes it build again.

fn main() {
    for folder in ["web/dist", "web/src", "web/cdn"] {
        println!("cargo:rerun-if-changed={folder}");
    }
}
