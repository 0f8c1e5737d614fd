// For builds with the address sanitizer: what it need not report of others' libraries.

// c-ares, with which gRPC looks up names, keeps a few bytes where a look-up is under way at the end.
extern "C" const char* __lsan_default_suppressions();  // NOLINT: the sanitizer wants this name
extern "C" const char* __lsan_default_suppressions() { return "leak:libcares\n"; }
