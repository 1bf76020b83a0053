namespace Understudy.Tokenization.Chat;

/// <summary>Attributes, items, slices and methods of values.</summary>
internal static class TemplateMembers
{
    private static readonly Dictionary<string, Func<string, TemplateArguments, object?>> TextMethods = new(StringComparer.Ordinal)
    {
        ["strip"] = (text, arguments) => Strip(text, arguments, start: true, end: true),
        ["lstrip"] = (text, arguments) => Strip(text, arguments, start: true, end: false),
        ["rstrip"] = (text, arguments) => Strip(text, arguments, start: false, end: true),
        ["split"] = (text, arguments) => PythonText.Split(
            text, arguments.Take("sep", null) is { } separator ? TemplateValue.String(separator) : null, TemplateValue.Integer(arguments.Take("maxsplit", -1L))),
        ["splitlines"] = (text, _) => Lines(text),
        ["startswith"] = (text, arguments) => Any(arguments.Take("prefix"), prefix => text.StartsWith(prefix, StringComparison.Ordinal)),
        ["endswith"] = (text, arguments) => Any(arguments.Take("suffix"), suffix => text.EndsWith(suffix, StringComparison.Ordinal)),
        ["replace"] = (text, arguments) => Replace(text, arguments.TakeString("old"), arguments.TakeString("new"), TemplateValue.Integer(arguments.Take("count", -1L)), arguments.Context),
        ["find"] = (text, arguments) => text.IndexOf(arguments.TakeString("sub"), StringComparison.Ordinal) is var at && at < 0 ? -1L : PythonText.Length(text[..at]),
        ["count"] = (text, arguments) => (long)PythonText.Split(text, arguments.TakeString("sub"), -1).Count - 1,
        ["join"] = (text, arguments) => TemplateFilters.Join(TemplateValue.Items(arguments.Take("iterable")).Select(TemplateValue.String), text, arguments.Context),
        ["upper"] = (text, _) => text.ToUpperInvariant(),
        ["lower"] = (text, _) => text.ToLowerInvariant(),
        ["title"] = (text, _) => PythonText.Title(text),
        ["capitalize"] = (text, _) => PythonText.Capitalize(text),
        ["isdigit"] = (text, _) => text.Length > 0 && text.All(char.IsDigit),
        ["isspace"] = (text, _) => text.Length > 0 && text.All(PythonText.IsSpace),
    };

    private static readonly Dictionary<string, Func<TemplateMap, TemplateArguments, object?>> MapMethods = new(StringComparer.Ordinal)
    {
        ["get"] = (map, arguments) => map.TryGetValue(arguments.TakeString("key"), out var value) ? Taken(value, arguments) : arguments.Take("default", null),
        ["items"] = (map, _) => TemplateFilters.Pairs(map),
        ["keys"] = (map, _) => map.Keys.Cast<object?>().ToList(),
        ["values"] = (map, _) => map.Values.ToList(),
    };

    public static string MethodNames => string.Join(", ", TextMethods.Keys.Concat(MapMethods.Keys));

    /// <summary><c>target.key</c>, or <c>target[key]</c>: an attribute looks for methods first, an item for entries.</summary>
    public static object? Get(object? target, object? key, bool isAttribute)
    {
        switch (target)
        {
            case UndefinedValue undefined:
                throw undefined.Fault();
            case TemplateNamespace space when key is string attribute:
                return space.Attributes.TryGetValue(attribute, out var set) ? set : Missing(target, key);
            case TemplateMap map when key is string name:
                if (isAttribute && MapMethods.TryGetValue(name, out var method)) return Bound(map, method);
                return map.TryGetValue(name, out var entry) ? entry : MapMethods.TryGetValue(name, out method) ? Bound(map, method) : Missing(target, key);
            case List<object?> list when key is long or bool:
                return At(list.Count, TemplateValue.Integer(key)) is { } index ? list[index] : Missing(target, key);
            case string text when key is long or bool:
                if (!SourceText.HasSurrogates(text)) return At(text.Length, TemplateValue.Integer(key)) is { } unit ? text[unit].ToString() : Missing(target, key);
                var characters = PythonText.Characters(text);
                return At(characters.Count, TemplateValue.Integer(key)) is { } at ? characters[at] : Missing(target, key);
            case string text when key is string name && TextMethods.TryGetValue(name, out var textMethod):
                return Bound(text, textMethod);
            default:
                return Missing(target, key);
        }
    }

    /// <summary><c>target[start:stop:step]</c></summary>
    public static object? Slice(object? target, long? start, long? stop, long? step)
    {
        if (target is string text)
        {
            if (!SourceText.HasSurrogates(text) && step is null or 1)
            {
                var (from, to) = (Clamp(start ?? 0, text.Length), Clamp(stop ?? text.Length, text.Length));
                return from < to ? text[from..to] : "";
            }
            return string.Concat(Slice(PythonText.Characters(text), start, stop, step ?? 1).Cast<string>());
        }
        if (target is UndefinedValue undefined) throw undefined.Fault();
        return target is List<object?> list
            ? Slice(list, start, stop, step ?? 1)
            : throw new TemplateFault($"takes a slice of {TemplateValue.Kind(target)}.");
    }

    public static string Replace(string text, string old, string replacement, long count, TemplateContext context)
    {
        if (old.Length == 0) throw new TemplateFault("replaces an empty text.");
        if (count < 0)
        {
            context.Spend(text.Length + (text.AsSpan().Count(old) * (long)replacement.Length));
            return text.Replace(old, replacement, StringComparison.Ordinal);
        }
        var parts = PythonText.Split(text, old, count);
        return TemplateFilters.Join(parts.Cast<string>(), replacement, context);
    }

    private static List<object?> Slice(List<object?> list, long? start, long? stop, long step)
    {
        if (step == 0) throw new TemplateFault("takes a slice with the step 0.");
        var slice = new List<object?>();
        if (step > 0)
        {
            var last = Clamp(stop ?? list.Count, list.Count);
            for (long i = Clamp(start ?? 0, list.Count); i < last; i += Math.Min(step, list.Count)) slice.Add(list[(int)i]);
            return slice;
        }
        var end = stop is { } given ? Math.Max(given < 0 ? given + list.Count : given, -1) : -1;
        var begin = start is { } first ? Math.Min(first < 0 ? first + list.Count : first, list.Count - 1) : list.Count - 1;
        for (var i = begin; i > end && i >= 0; i += Math.Max(step, -list.Count - 1L)) slice.Add(list[(int)i]);
        return slice;
    }

    private static int Clamp(long index, int count) => (int)Math.Clamp(index < 0 ? index + count : index, 0, count);

    private static int? At(int count, long index)
    {
        if (index < 0) index += count;
        return index >= 0 && index < count ? (int)index : null;
    }

    private static UndefinedValue Missing(object? target, object? key) =>
        new($"'{(key is List<object?> or TemplateMap ? TemplateValue.Kind(key) : TemplateValue.Text(key))}' of {TemplateValue.Kind(target)}");

    private static TemplateFunction Bound<T>(T target, Func<T, TemplateArguments, object?> method) => arguments =>
    {
        if (target is string text) arguments.Context.Spend(text.Length);
        var result = method(target, arguments);
        arguments.Done();
        return result;
    };

    private static object? Taken(object? value, TemplateArguments arguments)
    {
        arguments.Take("default", null);
        return value;
    }

    private static bool Any(object? candidates, Func<string, bool> matches) =>
        candidates is List<object?> list ? list.Exists(candidate => matches(TemplateValue.String(candidate))) : matches(TemplateValue.String(candidates));

    private static string Strip(string text, TemplateArguments arguments, bool start, bool end)
    {
        if (arguments.Take("chars", null) is { } given)
        {
            var characters = TemplateValue.String(given).ToCharArray();
            // Without characters the runtime would trim white space.
            if (characters.Length == 0) return text;
            if (start) text = text.TrimStart(characters);
            return end ? text.TrimEnd(characters) : text;
        }
        if (start) text = PythonText.TrimStart(text);
        return end ? PythonText.TrimEnd(text) : text;
    }

    private static List<object?> Lines(string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n').Cast<object?>().ToList();
        if (lines[^1] is "") lines.RemoveAt(lines.Count - 1);
        return lines;
    }
}
