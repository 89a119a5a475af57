/// Owners for OpenSSL's objects and the text of its errors; for the x509 sources only.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/common_errc.h"
#include "common/result.h"

namespace fogbank::x509::detail {

template <auto free_function>
struct Free {
    template <class T>
    void operator()(T* object) const noexcept {
        free_function(object);
    }
};
template <class T, auto free_function>
using Owned = std::unique_ptr<T, Free<free_function>>;

using Bio = Owned<BIO, BIO_free_all>;
using BigNumber = Owned<BIGNUM, BN_free>;
using Integer = Owned<ASN1_INTEGER, ASN1_INTEGER_free>;
using Request = Owned<X509_REQ, X509_REQ_free>;
using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using DistinguishedName = Owned<X509_NAME, X509_NAME_free>;
using GeneralNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
using GeneralName = Owned<GENERAL_NAME, GENERAL_NAME_free>;

/// An error with the first reason that OpenSSL gave; empties this thread's error queue.
inline Error openssl_error(CommonErrc code, std::string_view what) {
    const unsigned long reason = ERR_get_error();
    std::string text(what);
    if (const char* words = reason == 0 ? nullptr : ERR_reason_error_string(reason); words != nullptr) text.append(": ").append(words);
    ERR_clear_error();
    return {code, std::move(text)};
}

inline Bio read_bio(std::string_view bytes) {
    return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}
inline Bio write_bio() {
    return Bio(BIO_new(BIO_s_mem()));
}

inline std::string bio_text(const Bio& bio) {
    const char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

/// Never asks a person at a terminal: an encrypted PEM is an error.
inline int no_passphrase(char*, int, int, void*) {
    return -1;
}

}  // namespace fogbank::x509::detail
