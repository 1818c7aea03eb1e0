cmake --build b --target release
