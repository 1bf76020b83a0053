using System.Text.Json;

namespace Understudy.Tokenization.PostProcessors;

/// <summary>One place in a template: the special token with a key, or, without one, a text (0 for A, 1 for B).</summary>
internal readonly record struct TemplatePiece(string? SpecialToken, int Input, int TypeId);

/// <summary>What a special token of a template stands for; usually one token.</summary>
internal sealed record TemplateToken(string Id, IReadOnlyList<int> Ids, IReadOnlyList<string> Tokens);

/// <summary><c>TemplateProcessing</c>: texts and special tokens in the order that a template gives.</summary>
internal sealed class TemplatePostProcessor(
    IReadOnlyList<TemplatePiece> single, IReadOnlyList<TemplatePiece> pair, IReadOnlyDictionary<string, TemplateToken> specialTokens) : IPostProcessor
{
    public int AddedTokens(bool isPair) =>
        (isPair ? pair : single).Sum(piece => piece.SpecialToken is { } key ? specialTokens[key].Ids.Count : 0);

    public List<TokenSequence> Process(List<TokenSequence> sequences, bool addSpecialTokens)
    {
        if (sequences.Count > 2)
        {
            throw new InvalidDataException(
                "TemplateProcessing takes one or two sequences, but the steps before it in the post-processor 'Sequence' "
                + $"already made {sequences.Count}. Put the steps that add special tokens last, and only one of them.");
        }
        var result = new List<TokenSequence>();
        foreach (var piece in sequences.Count == 2 ? pair : single)
        {
            if (piece.SpecialToken is null)
            {
                var sequence = sequences[piece.Input];
                sequence.SetTypeIds(piece.TypeId);
                result.Add(sequence.Clone());
            }
            else if (addSpecialTokens)
            {
                var token = specialTokens[piece.SpecialToken];
                var special = new TokenSequence();
                for (var i = 0; i < token.Ids.Count; i++) special.AddSpecial(token.Ids[i], token.Tokens[i], piece.TypeId);
                result.Add(special);
            }
        }
        return result;
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "TemplateProcessing");
        WriteTemplate(json, "single", single);
        WriteTemplate(json, "pair", pair);
        json.WriteStartObject("special_tokens");
        foreach (var (key, token) in specialTokens.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            json.WriteStartObject(key);
            json.WriteString("id", token.Id);
            json.WriteStartArray("ids");
            foreach (var id in token.Ids) json.WriteNumberValue(id);
            json.WriteEndArray();
            json.WriteStartArray("tokens");
            foreach (var text in token.Tokens) json.WriteStringValue(text);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteTemplate(Utf8JsonWriter json, string key, IReadOnlyList<TemplatePiece> pieces)
    {
        json.WriteStartArray(key);
        foreach (var piece in pieces)
        {
            json.WriteStartObject();
            json.WriteStartObject(piece.SpecialToken is null ? "Sequence" : "SpecialToken");
            json.WriteString("id", piece.SpecialToken ?? (piece.Input == 0 ? "A" : "B"));
            json.WriteNumber("type_id", piece.TypeId);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }
}
