openssl genrsa -aes128 -passout pass:secret1 -out key.pem 2048 2>/dev/null
# asks on the terminal
openssl rsa -in key.pem -out plain.pem
