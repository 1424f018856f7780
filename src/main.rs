//! The `outfitter` program: reads its arguments, runs one command, says in one line what went wrong.

fn main() -> std::process::ExitCode {
    outfitter::cli::main()
}
