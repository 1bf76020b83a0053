using System.Text.Json;
using Understudy.Tokenization.PostProcessors;

namespace Understudy.Tokenization.Serialization;

/// <summary>Reads the <c>post_processor</c> of a <c>tokenizer.json</c>.</summary>
internal static class PostProcessorReader
{
    public static IPostProcessor Read(ConfigElement config) => config.Type switch
    {
        "ByteLevel" => new ByteLevelPostProcessor(config.Bool("add_prefix_space"), config.Bool("trim_offsets"), config.Bool("use_regex", true)),
        "RobertaProcessing" => new RobertaPostProcessor(
            Pair(config.Required("sep")), Pair(config.Required("cls")), config.Bool("trim_offsets"), config.Bool("add_prefix_space")),
        "BertProcessing" => new BertPostProcessor(Pair(config.Required("sep")), Pair(config.Required("cls"))),
        "TemplateProcessing" => Template(config),
        "Sequence" => new SequencePostProcessor([.. config.Items("processors").Select(Read)]),
        var type => throw config.Fault($"is of the type '{type}', which is not supported. Supported are ByteLevel, RobertaProcessing, "
            + "BertProcessing, TemplateProcessing and Sequence."),
    };

    private static SpecialTokenPair Pair(ConfigElement config)
    {
        if (config.Json.ValueKind != JsonValueKind.Array || config.Json.GetArrayLength() != 2)
            throw config.Fault("must be a list of a token and its id.");
        return new SpecialTokenPair((config with { Json = config.Json[0] }).AsString(), (config with { Json = config.Json[1] }).AsInt());
    }

    private static TemplatePostProcessor Template(ConfigElement config)
    {
        var special = new Dictionary<string, TemplateToken>(StringComparer.Ordinal);
        foreach (var (key, token) in config.Required("special_tokens").Entries())
        {
            var ids = token.Items("ids").Select(id => id.AsInt()).ToList();
            var tokens = token.Items("tokens").Select(text => text.AsString()).ToList();
            if (ids.Count != tokens.Count) throw token.Fault($"has {ids.Count} 'ids' but {tokens.Count} 'tokens'; they must be as many.");
            special[key] = new TemplateToken(token.String("id"), ids, tokens);
        }
        return new TemplatePostProcessor(
            [.. config.Items("single").Select(piece => Piece(piece, special, texts: 1))],
            [.. config.Items("pair").Select(piece => Piece(piece, special, texts: 2))],
            special);
    }

    private static TemplatePiece Piece(ConfigElement config, Dictionary<string, TemplateToken> special, int texts)
    {
        if (config.Child("Sequence") is { } text)
        {
            var input = text.String("id") switch
            {
                "A" => 0,
                "B" => 1,
                var id => throw text.Fault($"must have the 'id' A or B, but has '{id}'."),
            };
            if (input >= texts) throw text.Fault("is B, but a template for a single text has only A.");
            return new TemplatePiece(null, input, text.Int("type_id"));
        }
        var token = config.Required("SpecialToken");
        var key = token.String("id");
        if (!special.ContainsKey(key)) throw token.Fault($"names '{key}', which is not in 'special_tokens' of the template. Add it there.");
        return new TemplatePiece(key, 0, token.Int("type_id"));
    }
}
