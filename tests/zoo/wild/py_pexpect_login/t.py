"""The prompt differs from what is expected, and there is no limit."""
import pexpect


def login():
    p = pexpect.spawn("sh", ["-c", "printf 'Login name? '; read -r n; echo hello $n"], timeout=None)
    p.expect("login: ")
    p.sendline("me")


login()
