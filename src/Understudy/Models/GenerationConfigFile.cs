using System.Text.Json.Nodes;

namespace Understudy.Models;

/// <summary>The <c>generation_config.json</c> of a model that was made here: which ids begin, end and fill a text.</summary>
internal static class GenerationConfigFile
{
    public const string Name = "generation_config.json";

    private static readonly string[] Ids = ["bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "forced_bos_token_id", "forced_eos_token_id"];

    // A file of its own would hide these, which older folders have in config.json.
    private static readonly string[] Older =
    [
        "do_sample", "temperature", "top_k", "top_p", "typical_p", "repetition_penalty", "length_penalty", "no_repeat_ngram_size", "num_beams", "num_return_sequences", "early_stopping",
        "max_length", "min_length", "max_new_tokens", "bad_words_ids", "suppress_tokens", "begin_suppress_tokens", "forced_decoder_ids", "task_specific_params", "force_bos_token_to_be_generated",
    ];

    /// <summary>The content of the file; null for a model that generates nothing, or whose configuration says already how.</summary>
    /// <param name="model">The model.</param>
    public static JsonObject? Of(IPretrainedModel model)
    {
        if (model is not (ICausalLanguageModel or ISequenceToSequenceModel)) return null;
        var config = model.ToConfigJson();
        if (Older.Any(config.ContainsKey)) return null;
        var json = new JsonObject { ["_from_model_config"] = true };
        foreach (var key in Ids)
        {
            if (config[key] is { } id) json[key] = id.DeepClone();
        }

        // transformers assumes 2 for a BART that does not say; both say the end here.
        if (config["model_type"]?.GetValue<string>() == BartConfig.ModelType && !config.ContainsKey("forced_eos_token_id") && config["eos_token_id"] is { } end) json["forced_eos_token_id"] = end.DeepClone();
        return json;
    }
}
