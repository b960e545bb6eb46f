# A text file as a C++ string: cmake -DIN=FILE -DOUT=FILE -P embed_text.cmake
file(READ ${IN} text)
file(WRITE ${OUT} "namespace keyturn::report {\nextern const char* const kVerifyPy;\n"
  "const char* const kVerifyPy = R\"keyturn_text(${text})keyturn_text\";\n}\n")
