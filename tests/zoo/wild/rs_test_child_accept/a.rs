use std::process::Command;

// The server runs in front: output() waits for its end.
#[test]
fn serves() {
    let out = Command::new("./server").output().unwrap();
    assert!(out.status.success());
}

#[test]
fn adds() {
    assert_eq!(1 + 1, 2);
}
