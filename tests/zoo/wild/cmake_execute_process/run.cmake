# Asks a tool for its version, and the tool waits for input.
execute_process(COMMAND sh ${CMAKE_CURRENT_LIST_DIR}/tool.sh --version OUTPUT_VARIABLE version)
message("${version}")
