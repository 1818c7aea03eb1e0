# cargo asks for a token on standard input.
export CARGO_HOME=$PWD/c
mkdir -p c
printf '[registries.own]\nindex = "file://%s/i"\n[registry]\ndefault = "own"\n' "$PWD" >c/config.toml
mkdir -p i && cd i && git init -q && echo '{"dl":"http://127.0.0.1:1/dl","api":"http://127.0.0.1:1"}' >config.json && git add . && git -c user.name=t -c user.email=t@t commit -qm i && cd ..
cargo login --registry own
