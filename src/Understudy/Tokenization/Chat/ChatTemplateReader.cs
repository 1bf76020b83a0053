using System.Text.Json;
using Understudy.Tokenization.Serialization;

namespace Understudy.Tokenization.Chat;

/// <summary>Finds the chat template of a model folder.</summary>
internal static class ChatTemplateReader
{
    /// <summary>The template, the special tokens as variables, and the place of the template for messages.</summary>
    public static (string Source, Dictionary<string, object?> Tokens, string Origin) Read(string folder, string name)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(name);
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"There is no folder '{folder}'.");
        var templates = Templates(folder);
        if (templates.Count == 0)
        {
            throw new FileNotFoundException(
                $"'{folder}' has no chat template: looked for 'chat_template.jinja' and for 'chat_template' in 'tokenizer_config.json'. "
                + "Base models have none; use one that was tuned on chats, or copy the template of one into the folder.", Path.Combine(folder, "chat_template.jinja"));
        }
        if (!templates.TryGetValue(name, out var template))
        {
            throw new FileNotFoundException(
                $"'{folder}' has no chat template '{name}', but [{string.Join(", ", templates.Keys.Order(StringComparer.Ordinal))}]. Ask for one of these.");
        }
        var roles = new Dictionary<string, string>(StringComparer.Ordinal);
        var additional = SpecialTokensReader.Read(folder, roles);
        var tokens = roles.ToDictionary(role => role.Key, role => (object?)role.Value);
        if (additional.Count > 0) tokens[SpecialTokens.AdditionalRole] = additional.Cast<object?>().ToList();
        return (template.Source, tokens, template.Origin);
    }

    private static Dictionary<string, (string Source, string Origin)> Templates(string folder)
    {
        var templates = new Dictionary<string, (string Source, string Origin)>(StringComparer.Ordinal);
        var config = Path.Combine(folder, "tokenizer_config.json");
        if (File.Exists(config)) JsonFile.Read(config, root => TakeConfig(root, templates));
        var additional = Path.Combine(folder, "additional_chat_templates");
        if (Directory.Exists(additional))
        {
            foreach (var file in Directory.EnumerateFiles(additional, "*.jinja"))
                templates[Path.GetFileNameWithoutExtension(file)] = (File.ReadAllText(file), file);
        }
        var whole = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(whole)) templates["default"] = (File.ReadAllText(whole), whole);
        return templates;
    }

    private static bool TakeConfig(ConfigElement root, Dictionary<string, (string Source, string Origin)> templates)
    {
        if (root.Child("chat_template") is not { } template) return false;
        if (template.Json.ValueKind == JsonValueKind.String)
        {
            templates["default"] = (template.AsString(), $"{root.File}: 'chat_template'");
            return true;
        }
        foreach (var item in root.Items("chat_template"))
            templates[item.String("name")] = (item.String("template"), $"{root.File}: '{item.Path}.template'");
        return true;
    }
}
