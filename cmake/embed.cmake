# SPDX-License-Identifier: MIT
#
# Writes OUTPUT, a C file with the text of each of FILES: cuda_files of src/cuda/jit.h.
set(texts "")
set(rows "")
set(number 0)
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND texts "static const char text_${number}[] = {${bytes}0};\n")
  string(APPEND rows "    {\"cuda/kernels/${name}\", text_${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "#include \"cuda/jit.h\"\n${texts}const cuda_file cuda_files[] = {\n${rows}    {0}};\n")
