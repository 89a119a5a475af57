// openSearch and elasticsearch: the payload as a document. Source: reference "rules-actions", section 10.

#include "common/encoding.h"
#include "rules/actions/service_action.h"
#include "rules/errc.h"

namespace fogbank::rules {
namespace {

class OpenSearchAction final : public OutboundAction {
  public:
    struct Parameters {
        sql::Template endpoint, index, type, id;
    };
    OpenSearchAction(std::string name, Parameters parameters)
        : OutboundAction(std::move(name), "Failed to put document."), parameters_(std::move(parameters)) {}

  protected:
    Result<void> prepare(const ActionInput& input, OutboundWork& work) const override {
        auto endpoint = expand(parameters_.endpoint, input);
        if (!endpoint) return endpoint.error();
        work.resource = *endpoint;
        OutboundStep step;
        step.url = endpoint->ends_with('/') ? endpoint->substr(0, endpoint->size() - 1) : *endpoint;
        if (!parse_url(step.url)) return Error(Errc::evaluation, "`" + *endpoint + "` is not a URL");
        for (const sql::Template* part : {&parameters_.index, &parameters_.type, &parameters_.id}) {
            auto text = expand(*part, input);
            if (!text) return text.error();
            if (text->empty()) return Error(Errc::evaluation, "index, type and id must not be empty");
            step.url += "/" + percent_encode(*text);
        }
        if (input.output.is_raw()) return Error(Errc::evaluation, "the payload is not JSON");
        auto payload = payload_of(input);
        if (!payload) return payload.error();
        step.method = "PUT";
        step.sign_service = "es";
        step.headers["content-type"] = "application/json";
        step.body = std::move(*payload);
        work.steps.push_back(std::move(step));
        return {};
    }

  private:
    Parameters parameters_;
};

MadeAction make(const ActionDefinition& definition, const char* key, const char* name) {
    ParameterReader read(definition, key);
    OpenSearchAction::Parameters parameters{read.text("endpoint"), read.text("index"), read.text("type"), read.text("id")};
    if (const std::string* constant = parameters.endpoint.constant(); constant != nullptr && !constant->empty() && !parse_url(*constant))
        read.wrong("`endpoint` must be an http or https URL");
    read.role();
    if (definition.services.outbox == nullptr) read.wrong("this server sends nothing out");
    if (read.error()) return *read.error();
    return std::make_unique<OpenSearchAction>(name, std::move(parameters));
}

}  // namespace

MadeAction make_opensearch_action(const ActionDefinition& definition) {
    return make(definition, "openSearch", "OpenSearchAction");
}
MadeAction make_elasticsearch_action(const ActionDefinition& definition) {
    return make(definition, "elasticsearch", "ElasticsearchAction");
}

}  // namespace fogbank::rules
