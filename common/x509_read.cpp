// Reading what certificates say.

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <optional>

#include "common/detail/openssl.h"
#include "common/encoding.h"
#include "common/x509.h"

namespace fogbank::x509 {
namespace {

using namespace detail;

/// The names AWS gives to attributes. Source: AWS IoT Core Developer Guide, "X.509 certificate policy variables".
struct Field {
    int nid;
    std::string_view name;
};
constexpr std::array<Field, 13> name_fields{{{NID_dnQualifier, "DistinguishedNameQualifier"},
                                             {NID_countryName, "Country"},
                                             {NID_organizationName, "Organization"},
                                             {NID_organizationalUnitName, "OrganizationalUnit"},
                                             {NID_stateOrProvinceName, "State"},
                                             {NID_commonName, "CommonName"},
                                             {NID_serialNumber, "SerialNumber"},
                                             {NID_title, "Title"},
                                             {NID_surname, "Surname"},
                                             {NID_givenName, "GivenName"},
                                             {NID_initials, "Initials"},
                                             {NID_pseudonym, "Pseudonym"},
                                             {NID_generationQualifier, "GenerationQualifier"}}};

/// No certificate that means well has more; what is beyond is not looked at.
constexpr int values_max = 100;

std::string utf8(const ASN1_STRING* text) {
    unsigned char* bytes = nullptr;
    const int size = ASN1_STRING_to_UTF8(&bytes, text);
    if (size < 0) {
        ERR_clear_error();
        return {};
    }
    std::string out(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return out;
}

std::optional<WallTime> wall_time(const ASN1_TIME* at) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(at, &parts) != 1) return std::nullopt;
    return WallTime(std::chrono::seconds(timegm(&parts)));
}

std::string ip_text(const ASN1_OCTET_STRING* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int size = ASN1_STRING_length(address);
    const int family = size == 4 ? AF_INET : AF_INET6;
    if (size != 4 && size != 16) return {};
    if (inet_ntop(family, ASN1_STRING_get0_data(address), text.data(), text.size()) == nullptr) return {};
    return text.data();
}

std::string directory_text(const X509_NAME* name) {
    const Bio out = write_bio();
    if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253) < 0) return {};
    return bio_text(out);
}

/// Null for the kinds that AWS has no name for.
std::optional<NameAttribute> alternative(const GENERAL_NAME* name) {
    int kind = 0;
    const void* value = GENERAL_NAME_get0_value(name, &kind);
    switch (kind) {
        case GEN_EMAIL:
            return NameAttribute{"RFC822Name", utf8(static_cast<const ASN1_STRING*>(value))};
        case GEN_DNS:
            return NameAttribute{"DNSName", utf8(static_cast<const ASN1_STRING*>(value))};
        case GEN_URI:
            return NameAttribute{"UniformResourceIdentifier", utf8(static_cast<const ASN1_STRING*>(value))};
        case GEN_IPADD:
            return NameAttribute{"IPAddress", ip_text(static_cast<const ASN1_OCTET_STRING*>(value))};
        case GEN_DIRNAME:
            return NameAttribute{"DirectoryName", directory_text(static_cast<const X509_NAME*>(value))};
        default:
            return std::nullopt;
    }
}

std::vector<NameAttribute> attributes_of(const X509_NAME* name) {
    std::vector<NameAttribute> out;
    for (int i = 0; i < std::min(X509_NAME_entry_count(name), values_max); ++i) {
        const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
        const int nid = OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry));
        const auto field = std::find_if(name_fields.begin(), name_fields.end(), [nid](const Field& f) { return f.nid == nid; });
        if (field != name_fields.end()) out.push_back({std::string(field->name), utf8(X509_NAME_ENTRY_get_data(entry))});
    }
    return out;
}

std::vector<NameAttribute> alternatives_of(const X509* certificate, int nid) {
    const GeneralNames names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, nid, nullptr, nullptr)));
    ERR_clear_error();  // a malformed extension reads as an absent one
    std::vector<NameAttribute> out;
    for (int i = 0; names && i < std::min(sk_GENERAL_NAME_num(names.get()), values_max); ++i) {
        if (auto one = alternative(sk_GENERAL_NAME_value(names.get(), i)); one && !one->value.empty()) out.push_back(std::move(*one));
    }
    return out;
}

}  // namespace

Result<Validity> validity(const Certificate& certificate) {
    const auto from = wall_time(X509_get0_notBefore(certificate.get()));
    const auto until = wall_time(X509_get0_notAfter(certificate.get()));
    if (!from || !until) return openssl_error(CommonErrc::malformed, "the certificate's validity cannot be read");
    return Validity{*from, *until};
}

std::string subject_common_name(const Certificate& certificate) {
    for (const NameAttribute& attribute : subject_attributes(certificate)) {
        if (attribute.field == "CommonName") return attribute.value;
    }
    return {};
}

std::vector<std::string> subject_alternative_names(const Certificate& certificate) {
    std::vector<std::string> out;
    for (NameAttribute& one : subject_alternative_attributes(certificate)) {
        if (one.field == "DNSName" || one.field == "IPAddress") out.push_back(std::move(one.value));
    }
    std::sort(out.begin(), out.end());
    return out;
}

std::vector<NameAttribute> subject_attributes(const Certificate& certificate) {
    return attributes_of(X509_get_subject_name(certificate.get()));
}
std::vector<NameAttribute> issuer_attributes(const Certificate& certificate) {
    return attributes_of(X509_get_issuer_name(certificate.get()));
}
std::vector<NameAttribute> subject_alternative_attributes(const Certificate& certificate) {
    return alternatives_of(certificate.get(), NID_subject_alt_name);
}
std::vector<NameAttribute> issuer_alternative_attributes(const Certificate& certificate) {
    return alternatives_of(certificate.get(), NID_issuer_alt_name);
}

std::string serial_number(const Certificate& certificate) {
    const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate.get());
    return hex_encode({reinterpret_cast<const char*>(ASN1_STRING_get0_data(serial)), static_cast<std::size_t>(ASN1_STRING_length(serial))});
}

bool is_signed_by(const Certificate& certificate, const Certificate& issuer) {
    EVP_PKEY* key = X509_get0_pubkey(issuer.get());
    const bool good = key != nullptr && X509_verify(certificate.get(), key) == 1;
    ERR_clear_error();
    return good;
}

bool key_matches(const Certificate& certificate, const Key& private_key) {
    const bool good = X509_check_private_key(certificate.get(), private_key.get()) == 1;
    ERR_clear_error();
    return good;
}

}  // namespace fogbank::x509
