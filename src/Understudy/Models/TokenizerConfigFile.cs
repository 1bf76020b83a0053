using System.Text.Json.Nodes;
using Understudy.Tokenization;
using Understudy.Tokenization.PreTokenizers;

namespace Understudy.Models;

/// <summary>
/// The <c>tokenizer_config.json</c> that transformers needs beside a <c>tokenizer.json</c>: without it <c>AutoTokenizer</c> takes the
/// class of the model's family, which builds a tokenizer of its own making out of the vocabulary, and knows no special tokens.
/// </summary>
internal static class TokenizerConfigFile
{
    public const string Name = "tokenizer_config.json";

    // What one knows by its spelling alone, where neither tokenizer nor model say it.
    private static readonly (string Role, string[] Spellings)[] Usual = [("mask_token", ["<mask>", "[MASK]"]), ("unk_token", ["<unk>", "[UNK]"]), ("pad_token", ["<pad>", "[PAD]", "<|padding|>"])];

    /// <summary>The file for a tokenizer, whose <c>tokenizer.json</c> is taken as it is.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="model">The model, which says how long rows may be and which ids begin, end and fill them.</param>
    public static JsonObject Of(Tokenizer tokenizer, IPretrainedModel model)
    {
        var config = new ConfigJson(model.ToConfigJson(), ConfigJson.FileName);
        var json = new JsonObject
        {
            // Not the family's class: the generic one reads every tokenizer.json as it is.
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["clean_up_tokenization_spaces"] = false,
            // Left to itself transformers hands segment ids to models that refuse them.
            ["model_input_names"] = config.Int("type_vocab_size", 1) > 1 ? new JsonArray("input_ids", "token_type_ids", "attention_mask") : new JsonArray("input_ids", "attention_mask"),
        };
        // Some families' rows have no end.
        if (model.MaxLength is > 0 and < 1 << 24) json["model_max_length"] = model.MaxLength;
        if (tokenizer.Parts.PreTokenizer is ByteLevelPreTokenizer { AddPrefixSpace: true }) json["add_prefix_space"] = true;
        foreach (var (role, token) in Roles(tokenizer, config).OrderBy(pair => Array.IndexOf(SpecialTokens.Roles, pair.Key))) json[role] = token;
        var added = new JsonObject();
        foreach (var (id, token) in tokenizer.AddedTokens)
        {
            added[$"{id}"] = new JsonObject
            {
                ["content"] = token.Content,
                ["lstrip"] = token.LStrip,
                ["normalized"] = token.Normalized,
                ["rstrip"] = token.RStrip,
                ["single_word"] = token.SingleWord,
                ["special"] = token.Special,
            };
        }

        json["added_tokens_decoder"] = added;
        return json;
    }

    private static Dictionary<string, string> Roles(Tokenizer tokenizer, ConfigJson config)
    {
        var roles = tokenizer.SpecialTokens.All.Where(token => token.Role != SpecialTokens.AdditionalRole).ToDictionary(token => token.Role, token => token.Content);
        foreach (var role in SpecialTokens.Roles)
        {
            if (config.TokenId($"{role}_id") is { } id && tokenizer.AddedTokens.TryGetValue(id, out var token)) _ = roles.TryAdd(role, token.Content);
        }

        // What stands around an empty text: as BERT has it, the first token and the one between two texts.
        var around = new List<int>();
        tokenizer.EncodeIds("", around);
        if (around is [var first, var last] && tokenizer.AddedTokens.TryGetValue(first, out var cls) && tokenizer.AddedTokens.TryGetValue(last, out var sep))
        {
            _ = roles.TryAdd("cls_token", cls.Content);
            _ = roles.TryAdd("sep_token", sep.Content);
        }

        foreach (var (role, spellings) in Usual)
        {
            if (tokenizer.AddedTokens.Values.FirstOrDefault(token => token.Special && spellings.Contains(token.Content)) is { } known) _ = roles.TryAdd(role, known.Content);
        }

        return roles;
    }
}
