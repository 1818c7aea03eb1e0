# The version comes from a command that does not end.
BEGIN {
	"echo 1.0; exec sleep 300" | getline version
	while (("echo 1.0; exec sleep 300" | getline line) > 0)
		version = version line
	print version
}
