git init -q a && cd a && git -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m a && cd .. && GIT_TRACE=0 git clone -q a b && sleep 3
