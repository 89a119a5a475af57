// The program behind worker processes in these tests.
#include "lambda/worker.h"

int main(int argc, char** argv) {
    return fogbank::lambda::run_worker(argc, argv);
}
