// Transfer of certificates between accounts, as far as one account goes.

#include "registry/detail/certificate_part.h"
#include "registry/detail/keys.h"
#include "registry/detail/validation.h"

namespace fogbank::registry {
namespace {

constexpr std::size_t message_characters_max = 128;  // service model, Message

bool is_account(const std::string& text) {
    return text.size() == 12 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

Awaitable<void> CertificatePart::transfer_certificate(CertificateId id, std::string target_account, std::string message) {
    if (auto valid = Validation().certificate_id(id).result(); !valid) co_return valid.error();
    if (!is_account(target_account)) co_return Error(Errc::invalid_request, "targetAwsAccount must have 12 digits");
    if (message.size() > message_characters_max) co_return Error(Errc::invalid_request, "transferMessage has at most 128 characters");
    ChangeBody<void> body = [this, id, target_account, message, now = core_.deps().clock.now()](Transaction& tx,
                                                                                                Affected& affected) -> Result<void> {
        auto stored = core_.require_certificate(tx, id);
        if (!stored) return stored.error();
        CertificateRecord& record = stored->record;
        if (record.status == CertificateStatus::active || record.status == CertificateStatus::pending_activation ||
            record.status == CertificateStatus::pending_transfer) {
            return Error(Errc::certificate_state, "A certificate that is " + std::string(certificate_status_name(record.status)) +
                                                      " cannot be transferred. Id: " + id.str());
        }
        const auto no_things = empty_in(tx, keys::principal_things(record.arn));
        if (!no_things) return no_things.error();
        const auto no_policies = empty_in(tx, keys::target_policies(record.arn));
        if (!no_policies) return no_policies.error();
        if (!*no_things || !*no_policies) {
            return Error(Errc::transfer_conflict,
                         "The certificate cannot be transferred while things or policies are attached. Id: " + id.str());
        }
        record.status = CertificateStatus::pending_transfer;
        record.modified_at = now;
        record.transfer = CertificateTransfer();
        record.transfer.target_account = target_account;
        record.transfer.message = message;
        record.transfer.at = now;
        tx.put(keys::certificate(id), encode(*stored));
        tx.put(keys::outgoing_certificate(now, id), "");
        affected.certificates = {id};
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<void> CertificatePart::end_transfer(CertificateId id, bool as_recipient, EndTransfer end) {
    if (auto valid = Validation().certificate_id(id).result(); !valid) co_return valid.error();
    const auto shared = std::make_shared<EndTransfer>(std::move(end));
    ChangeBody<void> body = [this, id, as_recipient, shared, now = core_.deps().clock.now()](Transaction& tx,
                                                                                             Affected& affected) -> Result<void> {
        auto stored = core_.require_certificate(tx, id);
        if (!stored) return stored.error();
        CertificateRecord& record = stored->record;
        // Offered to another account: nobody here can take it.
        if (as_recipient && record.status == CertificateStatus::pending_transfer &&
            record.transfer.target_account != core_.deps().arns.account().str())
            return not_found("Certificate", id.view());
        if (record.status != CertificateStatus::pending_transfer)
            return Error(Errc::transfer_already_completed, "The transfer of the certificate is already completed. Id: " + id.str());
        tx.erase(keys::outgoing_certificate(record.transfer.at, id));
        record.status = CertificateStatus::inactive;
        record.modified_at = now;
        (*shared)(*stored);
        tx.put(keys::certificate(id), encode(*stored));
        affected.certificates = {id};
        return {};
    };
    co_return co_await core_.change<void>(std::move(body));
}

Awaitable<void> CertificatePart::accept_transfer(CertificateId id, bool set_as_active) {
    EndTransfer end = [set_as_active, now = core_.deps().clock.now()](StoredCertificate& stored) {
        if (set_as_active) stored.record.status = CertificateStatus::active;
        stored.record.transfer.accepted_at = now;
    };
    co_return co_await end_transfer(std::move(id), true, std::move(end));
}

Awaitable<void> CertificatePart::reject_transfer(CertificateId id, std::string reason) {
    if (reason.size() > message_characters_max) co_return Error(Errc::invalid_request, "rejectReason has at most 128 characters");
    EndTransfer end = [reason, now = core_.deps().clock.now()](StoredCertificate& stored) {
        stored.record.transfer.reject_reason = reason;
        stored.record.transfer.rejected_at = now;
    };
    co_return co_await end_transfer(std::move(id), true, std::move(end));
}

Awaitable<void> CertificatePart::cancel_transfer(CertificateId id) {
    EndTransfer end = [](StoredCertificate& stored) { stored.record.transfer = CertificateTransfer(); };
    co_return co_await end_transfer(std::move(id), false, std::move(end));
}

Awaitable<ListPage<CertificateRecord>> CertificatePart::list_outgoing_certificates(PageRequest page) {
    co_return co_await read_page(keys::outgoing_certificates(), std::move(page));
}

}  // namespace fogbank::registry
