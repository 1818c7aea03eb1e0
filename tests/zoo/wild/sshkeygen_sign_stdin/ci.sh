# The name of the file to sign is missing.
ssh-keygen -q -t ed25519 -N '' -f key
ssh-keygen -q -Y sign -f key -n file $ARTIFACT
