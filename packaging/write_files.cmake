# Run when the program is installed: writes into `made` what it says about itself, and packs what Debian wants packed.

function(print_to file)
  execute_process(COMMAND ${program} reference ${ARGN} OUTPUT_FILE ${made}/${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(pack file)
  execute_process(COMMAND ${gzip} -9nf ${made}/${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

print_to(sidewatch.bash --completion bash)
print_to(_sidewatch --completion zsh)
print_to(sidewatch.fish --completion fish)
print_to(sidewatch.1 --man)
pack(sidewatch.1)
file(COPY_FILE ${changelog} ${made}/changelog.Debian)
pack(changelog.Debian)
