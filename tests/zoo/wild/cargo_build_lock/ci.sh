# Another cargo of the same folder has the lock and does not end.
mkdir -p target/debug
( exec 9>target/debug/.cargo-lock; flock 9; exec sleep 300 ) &
sleep 0.5
cargo build --offline
