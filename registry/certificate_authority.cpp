#include "registry/certificate_authority.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "common/common_errc.h"
#include "registry/detail/files.h"

namespace fogbank::registry {
namespace {

using namespace std::chrono;

/// For clocks that lag behind: a certificate made now is already valid there.
constexpr auto clock_tolerance = hours(24);
constexpr auto root_life = days(36525);  // a hundred years
/// Operating systems refuse longer ones even under a root that the user has added (Apple, "Requirements for trusted certificates").
constexpr auto server_life = days(825);
constexpr auto server_renewal = days(30);
/// RFC 5280 appendix A, ub-common-name.
constexpr std::size_t common_name_bytes_max = 64;
/// Source: AWS IoT API reference, CreateKeysAndCertificate.
constexpr WallTime device_end = sys_days(year(2049) / December / 31) + hours(24) - seconds(1);
constexpr auto device_clock_tolerance = minutes(2);

files::Pair root_files(const std::filesystem::path& folder) {
    return {folder / "root-ca.key", folder / "root-ca.pem"};
}
files::Pair server_files(const std::filesystem::path& folder) {
    return {folder / "server.key", folder / "server.pem"};
}

/// Key and certificate that were read back and belong together.
struct KeyAndCertificate {
    x509::Key key;
    x509::Certificate certificate;
};
Result<KeyAndCertificate> read_pair_text(const files::PairText& text) {
    auto key = x509::read_private_key_pem(text.key);
    if (!key) return key.error();
    auto certificate = x509::read_certificate_pem(text.certificate);
    if (!certificate) return certificate.error();
    if (!x509::key_matches(*certificate, *key)) return Error(CommonErrc::crypto_failure, "key and certificate do not belong together");
    return KeyAndCertificate{std::move(*key), std::move(*certificate)};
}

Result<files::PairText> pair_text(const x509::Key& key, const x509::Certificate& certificate) {
    auto key_pem = x509::private_key_pem(key);
    if (!key_pem) return key_pem.error();
    auto certificate_pem = x509::certificate_pem(certificate);
    if (!certificate_pem) return certificate_pem.error();
    return files::PairText{std::move(*key_pem), std::move(*certificate_pem)};
}

Result<files::PairText> make_root(const Clock& clock, RandomSource& random) {
    auto key = x509::generate_rsa_2048();
    if (!key) return key.error();
    x509::Name name;
    name.organization = "Fogbank";
    // Two installations' roots must not have one name, or a client that trusts both picks the wrong one.
    name.common_name = "Fogbank Root CA " + random.text(8, "0123456789abcdef");
    const x509::Validity validity{clock.now() - clock_tolerance, clock.now() + root_life};
    auto root = x509::make_root(*key, name, validity, random);
    if (!root) return root.error();
    return pair_text(*key, *root);
}

/// Lower case; addresses as inet_ntop writes them; sorted, each once: the form in which a certificate's names are read back.
std::vector<std::string> normal_names(std::vector<std::string> names) {
    for (std::string& name : names) {
        std::array<unsigned char, 16> address{};
        std::array<char, INET6_ADDRSTRLEN> text{};
        const int family = inet_pton(AF_INET, name.c_str(), address.data()) == 1    ? AF_INET
                           : inet_pton(AF_INET6, name.c_str(), address.data()) == 1 ? AF_INET6
                                                                                    : AF_UNSPEC;
        if (family != AF_UNSPEC && inet_ntop(family, address.data(), text.data(), text.size()) != nullptr) name = text.data();
        std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    }
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

x509::LeafOptions device_options(const Clock& clock) {
    x509::LeafOptions options;
    options.subject.common_name = "AWS IoT Certificate";
    options.validity = {clock.now() - device_clock_tolerance, device_end};
    return options;
}

}  // namespace

CertificateAuthority::CertificateAuthority(std::filesystem::path folder, const Clock& clock, RandomSource& random)
    : folder_(std::move(folder)), root_file_(root_files(folder_).certificate), clock_(clock), random_(random) {}

Result<std::unique_ptr<CertificateAuthority>> CertificateAuthority::open(const std::filesystem::path& folder, const Clock& clock,
                                                                         RandomSource& random) {
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure) return Error(CommonErrc::io_error, "cannot create `" + folder.string() + "`: " + failure.message());

    auto text = files::read_pair(root_files(folder));
    if (!text) return in_context("root CA", text.error());
    if (!*text) {
        auto made = make_root(clock, random);
        if (!made) return made.error();
        if (auto done = files::write_pair(root_files(folder), *made); !done) return in_context("root CA", done.error());
        text = std::optional(std::move(*made));
    }
    auto pair = read_pair_text(**text);
    // Never replaced silently: every device out there trusts this root.
    if (!pair) return in_context("root CA in `" + folder.string() + "` is damaged, restore it from a backup", pair.error());

    std::unique_ptr<CertificateAuthority> out(new CertificateAuthority(folder, clock, random));
    out->key_ = std::move(pair->key);
    out->root_ = std::move(pair->certificate);
    out->root_pem_ = std::move((*text)->certificate);
    return out;
}

Result<IssuedServerCertificate> CertificateAuthority::server_certificate(const std::vector<std::string>& names) {
    const std::vector<std::string> wanted = normal_names(names);
    if (wanted.empty()) return Error(CommonErrc::malformed, "a server certificate needs at least one name");
    // What is there is used if it is whole and fits; anything else is made anew, a server certificate is not precious.
    if (auto text = files::read_pair(server_files(folder_)); text && *text) {
        auto pair = read_pair_text(**text);
        const auto validity = pair ? x509::validity(pair->certificate) : Result<x509::Validity>(pair.error());
        if (validity && x509::is_signed_by(pair->certificate, root_) && validity->not_before <= clock_.now() &&
            clock_.now() + server_renewal < validity->not_after && x509::subject_alternative_names(pair->certificate) == wanted) {
            return IssuedServerCertificate{std::move((*text)->certificate), std::move((*text)->key), false};
        }
    }
    auto key = x509::generate_rsa_2048();
    if (!key) return key.error();
    x509::LeafOptions options;
    options.server = true;
    options.subject.common_name = wanted.front().size() <= common_name_bytes_max ? wanted.front() : "fogbank";
    options.validity = {clock_.now() - clock_tolerance, clock_.now() + server_life};
    options.alternative_names = wanted;
    auto leaf = x509::make_leaf(*key, options, root_, key_, random_);
    if (!leaf) return leaf.error();
    auto text = pair_text(*key, *leaf);
    if (!text) return text.error();
    if (auto done = files::write_pair(server_files(folder_), *text); !done) return in_context("server certificate", done.error());
    return IssuedServerCertificate{std::move(text->certificate), std::move(text->key), true};
}

Result<x509::Certificate> CertificateAuthority::issue_device(const x509::Key& public_key) {
    return x509::make_leaf(public_key, device_options(clock_), root_, key_, random_);
}

Result<x509::Certificate> CertificateAuthority::issue_device_until(const x509::Key& public_key, WallTime not_after) {
    x509::LeafOptions options = device_options(clock_);
    options.validity.not_after = not_after;
    return x509::make_leaf(public_key, options, root_, key_, random_);
}

Result<x509::Certificate> CertificateAuthority::issue_device_from_csr(std::string_view csr_pem) {
    return x509::make_leaf_from_csr(csr_pem, device_options(clock_), root_, key_, random_);
}

}  // namespace fogbank::registry
