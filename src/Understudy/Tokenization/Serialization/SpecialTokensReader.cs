using System.Text.Json;

namespace Understudy.Tokenization.Serialization;

/// <summary>Which tokens of a folder have which role, from the files beside its <c>tokenizer.json</c>.</summary>
internal static class SpecialTokensReader
{
    /// <summary>Puts the contents by role into <paramref name="roles"/>, <c>tokenizer_config.json</c> having the last word, and gives those without a role.</summary>
    /// <exception cref="InvalidDataException">A file is not JSON, or a token is neither a string nor an object with <c>content</c>.</exception>
    public static List<string> Read(string folder, Dictionary<string, string> roles)
    {
        var additional = new List<string>();
        foreach (var name in new[] { "special_tokens_map.json", "tokenizer_config.json" })
        {
            var path = Path.Combine(folder, name);
            if (!File.Exists(path)) continue;
            JsonFile.Read(path, root =>
            {
                Take(root, roles, additional);
                return true;
            });
        }
        return additional;
    }

    private static void Take(ConfigElement root, Dictionary<string, string> roles, List<string> additional)
    {
        foreach (var role in SpecialTokens.Roles)
        {
            if (root.Child(role) is { } token) roles[role] = Content(token);
        }
        foreach (var key in new[] { SpecialTokens.AdditionalRole, "extra_special_tokens" })
        {
            if (root.Child(key) is not { } tokens) continue;
            // Newer files may name the extra ones, as in {"image_token": "<image>"}.
            additional.AddRange(tokens.Json.ValueKind == JsonValueKind.Object
                ? tokens.Entries().Select(entry => Content(entry.Value))
                : root.Items(key).Select(Content));
        }
    }

    private static string Content(ConfigElement token) =>
        token.Json.ValueKind == JsonValueKind.String ? token.AsString() : token.String("content");
}
