//! The `outfitter` program: reads its arguments, runs one command, says in one line what went wrong.

/// A request allocates some hundred small pieces, many of them freed by another thread; this allocator takes them at about
/// half the cost of the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    outfitter::cli::main()
}
