#include "app/backup_command.h"

#include <iostream>

#include "app/data_folder.h"
#include "store/kv/sqlite_backup.h"

namespace fogbank::app {
namespace {

constexpr const char* database_name = "fogbank.db";

ExitCode report(const Result<store::kv::BackupReport>& done, const std::string& what) {
    if (!done) {
        std::cerr << "fogbank: " << done.error().message << "\n";
        return ExitCode::failed;
    }
    std::cout << what << ": " << done->database_bytes << " bytes, " << done->files << " files beside the store\n";
    return ExitCode::ok;
}

}  // namespace

ExitCode run_backup(const Settings& settings, const std::string& file) {
    return report(store::kv::backup_sqlite(settings.data, database_name, file), "backed up to " + file);
}

ExitCode run_restore(const Settings& settings, const std::string& file) {
    auto lock = DataFolderLock::take(settings.data);
    if (!lock) {
        std::cerr << "fogbank: " << lock.error().message << "\n";
        return ExitCode::cannot_start;
    }
    return report(store::kv::restore_sqlite(file, settings.data, database_name), "restored from " + file);
}

}  // namespace fogbank::app
