using System.Text;

namespace Understudy.Runs;

/// <summary>
/// Fills environment variables into a value: <c>${NAME}</c>, <c>${NAME:-default}</c> (the default also when the variable is
/// empty, as in a shell); <c>$${</c> stands for <c>${</c>.
/// </summary>
internal static class EnvironmentText
{
    private static readonly string[] SecretEndings = ["KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIALS"];

    /// <param name="Text">The filled text; the part at fault is left as written.</param>
    /// <param name="Secret">Whether a variable was named whose name says that it holds a secret.</param>
    /// <param name="Fault">What is wrong, or null.</param>
    public readonly record struct Filled(string Text, bool Secret, string? Fault);

    public static Filled Fill(string text, Func<string, string?> environment)
    {
        if (!text.Contains("${", StringComparison.Ordinal))
            return new(text, false, null);
        var filled = new StringBuilder(text.Length);
        var (secret, fault) = (false, default(string));
        for (var i = 0; i < text.Length;)
        {
            if (string.CompareOrdinal(text, i, "$${", 0, 3) == 0)
            {
                filled.Append("${");
                i += 3;
                continue;
            }
            if (string.CompareOrdinal(text, i, "${", 0, 2) != 0)
            {
                filled.Append(text[i++]);
                continue;
            }
            var end = text.IndexOf('}', i);
            var reference = end < 0 ? text[i..] : text[i..(end + 1)];
            var inner = end < 0 ? "" : text[(i + 2)..end];
            var cut = inner.IndexOf(":-", StringComparison.Ordinal);
            var (name, fallback) = cut < 0 ? (inner, null) : (inner[..cut], inner[(cut + 2)..]);
            if (!IsName(name))
            {
                fault ??= $"'{reference}' does not name an environment variable. Write ${{NAME}} or ${{NAME:-default}}; write $${{ for the characters themselves.";
                filled.Append(reference);
            }
            else
            {
                secret |= IsSecret(name);
                var value = environment(name);
                if (value is null or "" && fallback is not null)
                    value = fallback;
                if (value is null)
                    fault ??= $"the environment variable '{name}' is not set. Set it, or write ${{{name}:-default}}.";
                filled.Append(value ?? reference);
            }
            i += reference.Length;
        }
        return new(filled.ToString(), secret, fault);
    }

    /// <summary>The text that <see cref="Fill"/> turns into <paramref name="text"/> whatever the environment is.</summary>
    public static string Escape(string text) => text.Replace("${", "$${", StringComparison.Ordinal);

    private static bool IsName(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private static bool IsSecret(string name) =>
        SecretEndings.Any(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
}
