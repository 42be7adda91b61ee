# Run when the program is installed: writes into `made` what it says about itself, packs what Debian wants packed, and
# leads the links of pages to where this package has the files.

function(print_to file)
  execute_process(COMMAND ${program} reference ${ARGN} OUTPUT_FILE ${made}/${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(pack file)
  execute_process(COMMAND ${gzip} -9nf ${made}/${file} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(lead page from to)
  file(READ ${source}/docs/${page} text)
  string(FIND "${text}" "](${from}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "docs/${page} has no link to ${from}")
  endif()
  string(REPLACE "](${from}" "](${to}" text "${text}")
  file(WRITE ${made}/${page} "${text}")
endfunction()

print_to(sidewatch.bash --completion bash)
print_to(_sidewatch --completion zsh)
print_to(sidewatch.fish --completion fish)
print_to(sidewatch.1 --man)
pack(sidewatch.1)
file(COPY_FILE ${changelog} ${made}/changelog.Debian)
pack(changelog.Debian)
lead(clients.md ../collectors/application/ /usr/include/)
lead(kubernetes.md ../helm/ /usr/share/sidewatch/helm/)
