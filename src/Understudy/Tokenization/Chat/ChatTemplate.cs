namespace Understudy.Tokenization.Chat;

/// <summary>
/// The chat template of a model: turns messages into the text that the model was tuned on. Templates are written in Jinja;
/// what chat templates use of it is interpreted here, with the settings of transformers' <c>apply_chat_template</c>, and anything else
/// is refused by name when the template is read. A template comes from outside: it can call nothing but text and list functions, and
/// one that loops or grows without end is stopped. Immutable and safe for use from several threads.
/// </summary>
public sealed class ChatTemplate
{
    private const int LongestSource = 1 << 20;
    private const long Budget = 100_000_000;
    private const int BudgetForCharacter = 64;

    private readonly TemplateStatement body;
    private readonly IReadOnlyDictionary<string, object?> tokens;
    private readonly string origin;

    private readonly TimeProvider clock = TimeProvider.System;

    private ChatTemplate(ChatTemplate other, TimeProvider clock)
    {
        (Source, body, tokens, origin) = (other.Source, other.body, other.tokens, other.origin);
        this.clock = clock;
    }

    private ChatTemplate(string source, IReadOnlyDictionary<string, object?> tokens, string origin)
    {
        Source = source;
        this.tokens = tokens;
        this.origin = origin;
        if (source.Length > LongestSource)
            throw new InvalidDataException($"{origin}: the chat template has {source.Length} characters; more than {LongestSource} are not read. Check the file.");
        try
        {
            body = TemplateParser.Parse(source);
        }
        catch (TemplateFault fault)
        {
            throw Located(fault, fault.Line);
        }
    }

    /// <summary>The template as the folder has it.</summary>
    public string Source { get; }

    /// <summary>
    /// Reads the template of a model folder: <c>chat_template.jinja</c> (others by name in <c>additional_chat_templates</c>), else
    /// <c>chat_template</c> of <c>tokenizer_config.json</c>, which is one template or a list with names. The special tokens
    /// (<c>bos_token</c>, <c>eos_token</c>, ...) come from the same folder.
    /// </summary>
    /// <param name="folder">A Hugging Face model folder.</param>
    /// <param name="name">Which template, where a folder has several, such as <c>tool_use</c> or <c>rag</c>.</param>
    /// <exception cref="FileNotFoundException">The folder has no such template.</exception>
    /// <exception cref="InvalidDataException">The template is malformed or needs something that is not supported; the message says what, where, and what is supported.</exception>
    public static ChatTemplate FromFolder(string folder, string name = "default")
    {
        var (source, tokens, origin) = ChatTemplateReader.Read(folder, name);
        return new ChatTemplate(source, tokens, origin);
    }

    /// <summary>Reads a template that is at hand as a text.</summary>
    /// <param name="source">The Jinja template.</param>
    /// <param name="specialTokens">What <c>bos_token</c>, <c>eos_token</c> and so on are in it.</param>
    /// <exception cref="InvalidDataException">As <see cref="FromFolder"/>.</exception>
    public static ChatTemplate Parse(string source, IReadOnlyDictionary<string, string>? specialTokens = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        var tokens = (specialTokens ?? new Dictionary<string, string>()).ToDictionary(entry => entry.Key, entry => (object?)entry.Value);
        return new ChatTemplate(source, tokens, "the template");
    }

    /// <summary>
    /// The messages as one text. It begins with the token for the beginning where the template writes it, so encode it with
    /// <c>addSpecialTokens: false</c>; but a special token that a message spells out would then be taken for a real one: for
    /// messages that somebody else wrote use <see cref="Encode"/>.
    /// </summary>
    /// <param name="messages">The chat so far.</param>
    /// <param name="addGenerationPrompt">Whether the beginning of the assistant's answer follows, for the model to go on.</param>
    /// <param name="variables">Further variables of the template, such as <c>enable_thinking</c> or <c>date_string</c>: null, texts, booleans, numbers, and lists and dictionaries of these.</param>
    /// <exception cref="ArgumentException">The template refuses the messages, for example because the roles do not alternate; or a variable is of another type.</exception>
    /// <exception cref="InvalidDataException">The template fails on these messages, or does not come to an end.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt = false, IReadOnlyDictionary<string, object?>? variables = null)
    {
        ArgumentNullException.ThrowIfNull(messages);
        var context = new TemplateContext(Budget + (BudgetForCharacter * messages.Sum(message => (long)message.Content.Length)), clock);
        foreach (var (name, value) in tokens) context.Set(name, value);
        context.Set("messages", messages.Select(Message).ToList());
        context.Set("add_generation_prompt", addGenerationPrompt);
        context.Set("tools", null);
        context.Set("documents", null);
        foreach (var (name, value) in variables ?? new Dictionary<string, object?>()) context.Set(name, Variable(name, value));
        try
        {
            body.Run(context);
            return context.Output;
        }
        catch (TemplateFault fault)
        {
            throw Located(fault, context.Line);
        }
        catch (TemplateRefusal refusal)
        {
            throw new ArgumentException($"The chat template refuses these messages: {refusal.Message}");
        }

        static object? Message(ChatMessage message) => new TemplateMap { ["role"] = message.Role, ["content"] = message.Content };
    }

    /// <summary>
    /// The ids of the messages, with nothing added. The special tokens that the template writes are recognised; those that a message
    /// spells out are encoded as the plain text they are, so that nobody can end their turn or begin another in a message.
    /// </summary>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="messages">As for <see cref="Render"/>.</param>
    /// <param name="addGenerationPrompt">As for <see cref="Render"/>.</param>
    /// <param name="variables">As for <see cref="Render"/>; their texts are trusted like the template.</param>
    /// <exception cref="ArgumentException">As <see cref="Render"/>.</exception>
    /// <exception cref="InvalidDataException">As <see cref="Render"/>.</exception>
    public int[] Encode(
        Tokenizer tokenizer, IReadOnlyList<ChatMessage> messages, bool addGenerationPrompt = false, IReadOnlyDictionary<string, object?>? variables = null)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(messages);
        var shadows = new TokenShadows(tokenizer.AddedTokens.Values, messages.Select(message => message.Role + message.Content).Append(Source));
        var hidden = messages.Select(message => new ChatMessage(shadows.Hide(message.Role), shadows.Hide(message.Content))).ToList();
        return tokenizer.EncodeShadowed(Render(hidden, addGenerationPrompt, variables), shadows);
    }

    /// <summary>The same template, but <c>strftime_now</c> asks another clock.</summary>
    internal ChatTemplate With(TimeProvider otherClock) => new(this, otherClock);

    private static object? Variable(string name, object? value) => value switch
    {
        null or string or bool or long or double => value,
        int number => (long)number,
        float number => (double)number,
        IEnumerable<KeyValuePair<string, object?>> entries => Map(name, entries),
        IEnumerable<object?> items => items.Select(item => Variable(name, item)).ToList(),
        _ => throw new ArgumentException($"The variable '{name}' of the chat template holds a {value.GetType().Name}. Give texts, booleans, numbers, or lists and dictionaries of these."),
    };

    private static TemplateMap Map(string name, IEnumerable<KeyValuePair<string, object?>> entries)
    {
        var map = new TemplateMap();
        foreach (var (key, value) in entries) map[key] = Variable(name, value);
        return map;
    }

    private InvalidDataException Located(TemplateFault fault, int line) => new($"{origin}, line {Math.Max(line, 1)}: the chat template {fault.Message}", fault);
}
