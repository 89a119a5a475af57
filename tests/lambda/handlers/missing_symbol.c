/* A shared object like any other. */
int fogbank_tests_missing_symbol(void);
int fogbank_tests_missing_symbol(void) {
    return 1;
}
